"""Checks of the reserved addresses, from which jobs with static_egress_ip and some functions send."""

from collections.abc import Sequence
from typing import Any

from google.api_core.exceptions import NotFound

from shared.operator.doctor import expectations as said
from shared.operator.doctor.checks import Check, Verdict, apply_again, verdict, wrong
from shared.operator.doctor.once import once
from shared.operator.doctor.world import World

_APPLY = apply_again("network")


class Egress:
    def __init__(self, world: World) -> None:
        self._world = world

    def checks(self) -> Sequence[Check]:
        return (
            Check(
                "egress.addresses",
                "Are the reserved addresses the ones that receivers know?",
                self._reserved,
                _APPLY,
            ),
            Check("egress.nat", "Does all traffic use these addresses, and no others?", self._nat, _APPLY),
            Check("egress.connector", "Is the connector ready, and in use?", self._connector, _APPLY),
        )

    @property
    def _compute(self) -> str:
        return (
            f"compute/v1/projects/{self._world.installation.project}"
            f"/regions/{self._world.installation.region}"
        )

    @once
    def _addresses(self) -> dict[str, Any]:
        """Return the reserved addresses by their links."""
        found = {}
        for number in range(len(self._world.installation.egress_addresses)):
            path = f"{self._compute}/addresses/{said.EGRESS}-{number}"
            try:
                answer = self._world.google.get("compute", path)
            except NotFound:
                continue
            found[answer["selfLink"]] = answer
        return found

    def _reserved(self) -> Verdict:
        wanted = set(self._world.installation.egress_addresses)
        found = {one.get("address"): one.get("status") for one in self._addresses.values()}
        faults = [f"{address} is not reserved" for address in sorted(wanted - found.keys())]
        faults += [
            f"{address} is {status}"
            for address, status in found.items()
            if address in wanted and status != "IN_USE"
        ]
        return verdict(faults, ", ".join(sorted(wanted)))

    def _nat(self) -> Verdict:
        router = self._world.google.get("compute", f"{self._compute}/routers/{said.EGRESS}")
        gates = [gate for gate in router.get("nats", []) if gate.get("name") == said.EGRESS]
        if not gates:
            return wrong("there is no NAT")
        faults = []
        if gates[0].get("natIpAllocateOption") != "MANUAL_ONLY":
            faults.append("it may use addresses that receivers do not know")
        known = {_place(link) for link in self._addresses}
        faults += [f"it also uses {link}" for link in gates[0].get("natIps", []) if _place(link) not in known]
        used = {_place(link) for link in gates[0].get("natIps", [])}
        faults += [f"it does not use {place}" for place in sorted(known - used)]
        return verdict(faults, f"{len(used)} addresses")

    def _connector(self) -> Verdict:
        place = f"projects/{self._world.installation.project}/locations/{self._world.installation.region}"
        connector = self._world.google.get("vpcaccess", f"v1/{place}/connectors/{said.EGRESS}")
        names, faults = self._world.installation.egress_functions, []
        if connector.get("state") != "READY":
            faults.append(f"the connector is {connector.get('state')}")
        for name in names:
            function = self._world.google.get("cloudfunctions", f"v2/{place}/functions/backfills-{name}")
            service = function.get("serviceConfig", {})
            if not str(service.get("vpcConnector", "")).endswith(f"/{said.EGRESS}"):
                faults.append(f"{name} does not use it")
            elif service.get("vpcConnectorEgressSettings") != "ALL_TRAFFIC":
                faults.append(f"{name} uses it for private addresses only")
        return verdict(faults, f"ready; {', '.join(names)} leave by it")


def _place(link: str) -> str:
    """Return the resource that a link names, without version and host."""
    return link.partition("/projects/")[2]
