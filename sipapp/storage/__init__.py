"""What the workers of a machine must agree on, other than registrations: accounts, nonce counts,
bans.
"""

from sipapp.storage.account import ROLES, Account, AccountExists, NoSuchAccount, Role

__all__ = ["ROLES", "Account", "AccountExists", "NoSuchAccount", "Role"]
