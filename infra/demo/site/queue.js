/* Before postroad.js is there, what is said to it waits. */
window.postroad = window.postroad || function () { (window.postroad.q = window.postroad.q || []).push(arguments); };
