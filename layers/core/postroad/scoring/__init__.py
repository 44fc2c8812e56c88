"""Scoring: how ready and how fitting somebody is, why, and who takes over."""
