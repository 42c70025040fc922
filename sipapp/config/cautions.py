"""What is allowed in a configuration, but hardly meant."""

from __future__ import annotations

import ipaddress

from sipapp.config.plan import Plan, ResolvedListener

__all__ = ["cautionsOf"]

#: Resources that ask who somebody is, or take nothing from strangers.
_GUARDS = frozenset(("authenticate", "replicate"))


def cautionsOf(plan: Plan) -> list[str]:
    """
    @return: a sentence for each thing that an administrator should know, each with a remedy.
    """
    open_ = [one.name for one in plan.listeners if _registersAnybody(one)]
    if not open_:
        return []
    return [
        f"Anybody who reaches {', '.join(open_)} may register as any user: put"
        ' "authenticate" before "registrar" in resources.'
    ]


def _registersAnybody(listener: ResolvedListener) -> bool:
    chain = listener.listen.chain
    if "registrar" not in chain or ipaddress.ip_address(listener.host).is_loopback:
        return False
    return _GUARDS.isdisjoint(chain[: chain.index("registrar")])
