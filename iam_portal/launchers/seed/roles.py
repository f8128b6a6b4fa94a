"""Who may do what: roles of applications held by people, groups and services."""

from iam_portal.launchers.seed.shapes import Holding, OwnRole

_MONITORING, _COCKPIT = "acme.condition-monitoring", "nordwerk.production-cockpit"
_PARTS, _TRACKING = "acme.spare-parts", "hansalog.shipment-tracking"
_VEHICLES, _METERING = "bluefleet.vehicle-data", "stromtal.energy-metering"
_PLANNER, _DETECTOR = "nordwerk.maintenance-planner", "pulsar.anomaly-detector"
_YARD, _LAKE = "hansalog.yard-management", "pulsar.data-lake"

# The service of the story that calls what its contract shares.
CALLER = Holding(tenant="nordwerk", app=_MONITORING, role="viewer", day=-150, service=_PLANNER)

SERVICES = (
    CALLER,
    Holding(tenant="nordwerk", app=_COCKPIT, role="planner", day=-370, service=_PLANNER),
    # Kept after the contract ended: it counts again as soon as the role is shared again.
    Holding(tenant="nordwerk", app=_PARTS, role="buyer", day=-310, service=_PLANNER),
    Holding(tenant="nordwerk", app=_COCKPIT, role="reporter", day=-117, service=_DETECTOR),
    Holding(tenant="acme", app=_MONITORING, role="viewer", day=-249, service="acme.machine-passport"),
    Holding(tenant="acme", app=_PARTS, role="clerk", day=-248, service="acme.machine-passport"),
    Holding(tenant="hansalog", app=_VEHICLES, role="reader", day=-270, service=_TRACKING),
    Holding(tenant="hansalog", app=_TRACKING, role="dispatcher", day=-300, service=_YARD),
    Holding(tenant="servico", app=_VEHICLES, role="reader", day=-265, service="servico.field-service"),
    Holding(
        tenant="servico",
        app=_MONITORING,
        role="viewer",
        day=-107,
        service="servico.field-service",
        share="access-servico",
    ),
    Holding(
        tenant="pulsar",
        app=_MONITORING,
        role="viewer",
        day=-112,
        service=_DETECTOR,
        share="access-pulsar",
    ),
    Holding(tenant="pulsar", app=_LAKE, role="reader", day=-184, service=_DETECTOR),
    Holding(tenant="stromtal", app=_LAKE, role="writer", day=-148, service=_METERING),
)

OWN = (
    OwnRole(
        tenant="acme",
        key="night-shift-lead",
        name="Night shift lead",
        description="Sees machines and answers alarms while nobody else is in.",
        day=-240,
        permissions=(
            (_MONITORING, "urn:acme:alarm", "alarms", ("read", "modify")),
            (_MONITORING, "urn:acme:machine", "machines", ("read",)),
            (_PARTS, "urn:acme:catalogue", "catalogue", ("read",)),
        ),
    ),
)

PEOPLE = (
    Holding(tenant="acme", app="", role="night-shift-lead", day=-239, group="Monitoring team"),
    Holding(tenant="acme", app=_MONITORING, role="viewer", day=-370, group="Product teams"),
    Holding(tenant="acme", app=_MONITORING, role="operator", day=-369, group="Monitoring team"),
    Holding(tenant="acme", app=_PARTS, role="clerk", day=-369, group="Sales"),
    Holding(tenant="acme", app=_TRACKING, role="viewer", day=-287, group="Staff"),
    Holding(tenant="acme", app=_TRACKING, role="dispatcher", day=-286, user="sam.porter"),
    Holding(tenant="nordwerk", app=_COCKPIT, role="viewer", day=-370, group="Staff"),
    Holding(tenant="nordwerk", app=_COCKPIT, role="planner", day=-369, group="Shift leads"),
    Holding(tenant="nordwerk", app=_PLANNER, role="viewer", day=-368, group="Operations"),
    Holding(tenant="nordwerk", app=_PLANNER, role="planner", day=-368, group="Maintenance"),
    Holding(tenant="nordwerk", app=_TRACKING, role="viewer", day=-296, group="Purchasing"),
    Holding(tenant="nordwerk", app=_MONITORING, role="viewer", day=-157, group="Operations"),
    Holding(tenant="nordwerk", app=_MONITORING, role="operator", day=-156, user="sofia.renner"),
    Holding(tenant="nordwerk", app="servico.field-service", role="customer", day=-257, group="Maintenance"),
    Holding(tenant="nordwerk", app=_METERING, role="reader", day=-127, user="jonas.weiss", until=90),
    Holding(tenant="ferrum", app="ferrum.quality-lab", role="inspector", day=-368, group="Laboratory"),
    Holding(tenant="ferrum", app=_MONITORING, role="viewer", day=-134, user="timo.ernst"),
    Holding(tenant="hansalog", app=_TRACKING, role="dispatcher", day=-369, group="Dispatch"),
    Holding(tenant="hansalog", app=_YARD, role="gatekeeper", day=-369, group="Dispatch"),
    Holding(tenant="hansalog", app=_VEHICLES, role="fleet-manager", day=-274, user="greta.holm"),
    Holding(tenant="hansalog", app=_PARTS, role="buyer", day=-14, user="wiebke.janssen"),
    Holding(tenant="servico", app="servico.field-service", role="technician", day=-369, group="Technicians"),
    Holding(
        tenant="servico",
        app=_MONITORING,
        role="viewer",
        day=-106,
        group="Technicians",
        share="access-servico",
    ),
    Holding(
        tenant="servico", app=_COCKPIT, role="viewer", day=-98, user="joao.pinto", share="access-cockpit"
    ),
    Holding(tenant="stromtal", app=_METERING, role="grid-controller", day=-170, group="Grid control"),
    Holding(tenant="pulsar", app=_DETECTOR, role="analyst", day=-185, group="Data science"),
    Holding(
        tenant="pulsar",
        app=_MONITORING,
        role="viewer",
        day=-111,
        group="Data science",
        share="access-pulsar",
    ),
    Holding(tenant="bluefleet", app=_VEHICLES, role="fleet-manager", day=-369, group="Telematics"),
    Holding(tenant="kestrel", app=_VEHICLES, role="reader", day=-91, group="Claims", share="access-kestrel"),
)

HOLDINGS = (*SERVICES, *PEOPLE)
