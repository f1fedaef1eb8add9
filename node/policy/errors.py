"""What can be wrong with a policy.

PolicyError
  +- GrantInvalid        a grant file says something that is no grant; nothing of it is applied
  +- PolicyUnreadable    the stored policy is damaged; nothing is shared until it is replaced
"""


class PolicyError(Exception):
    """The base of every error about grants and the policy they make up."""


class GrantInvalid(PolicyError):
    """A grant file is not what it should be; the message names file, grant, field and remedy."""

    failure = "invalid-request"
    code = "grant-invalid"
    fix = "Correct the file; docs/policy.md lists every field. Nothing was applied."


class PolicyUnreadable(PolicyError):
    """The policy file in the data directory cannot be read."""

    code = "policy-unreadable"
    fix = "Restore the file from a backup, or delete it and apply your grant files again."
