"""The ledger as a static site: findings first, then every verdict, then a page a paper."""
