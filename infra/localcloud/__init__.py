"""The local cloud: runs a SAM template on this machine. It knows the template and AWS's API, and no product."""
