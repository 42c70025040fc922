"""The targets, a module for each; its C{TARGET} is what L{tests.fuzz.target.load} returns."""
