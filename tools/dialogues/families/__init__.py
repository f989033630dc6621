"""One module a family of exchanges."""
