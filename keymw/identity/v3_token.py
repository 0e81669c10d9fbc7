"""The caller that the body of a v3 token describes."""

from typing import Any

from keymw.identity import base


def caller(token: dict[str, Any], given: str) -> base.Caller:
    """The caller of a token, from its v3 body; given is the token itself.

    :raises KeyError, TypeError, ValueError: the body is no token.
    """
    user, project = token['user'], token.get('project')
    return base.Caller(
        user_id=base.text(user['id']),
        name=base.text(user['name']),
        domain_id=base.text(user['domain']['id']),
        roles=frozenset(base.text(r['name']) for r in token.get('roles', ())),
        delegated=_is_delegated(token),
        token=given,
        expires_at=base.moment(token['expires_at']),
        methods=frozenset(token.get('methods') or ()),
        issued_at=base.issued_at(token),
        audit_ids=base.audit_ids(token),
        project_id=project and base.text(project['id']),
    )


def _is_delegated(token: dict[str, Any]) -> bool:
    # Before Keystone 30, a token from an EC2 credential has no methods.
    return not token.get('methods') or base.is_delegated(token)
