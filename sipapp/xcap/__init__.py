"""RFC 4825 without a reactor or HTTP: selectors, documents that stay the bytes they are, changes to
them, and what application usages ask of them."""
