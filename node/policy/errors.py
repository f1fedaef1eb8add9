"""What can be wrong with a policy.

PolicyError
  +- GrantInvalid        a grant file says something that is no grant; nothing of it is applied
  +- PolicyUnreadable    the stored policy is damaged; nothing is shared until it is replaced
"""


class PolicyError(Exception):
    """The base of every error about grants and the policy they make up."""


class GrantInvalid(PolicyError):
    """A grant file is not what it should be; the message names file, grant, field and remedy."""


class PolicyUnreadable(PolicyError):
    """The policy file in the data directory cannot be read; `policy apply` replaces it."""
