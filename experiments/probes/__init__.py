"""Probes: for each claim that speaks about one instance, the instances it is searched on. One module a slug."""
