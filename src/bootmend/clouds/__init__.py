"""Clouds: machines that are reached by a service's calls instead of by a path."""
