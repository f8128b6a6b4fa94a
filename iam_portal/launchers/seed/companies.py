"""Who there is: eleven companies and their people. All names are invented."""

from iam_portal.launchers.seed.shapes import (
    ACCESS,
    ADMINISTRATOR,
    AUDITOR,
    CONTRACTS,
    DEVELOPER,
    OPERATOR,
    Company,
    Person,
)

PLATFORM = Company(
    "platform",
    "Meridian Platform Services",
    (
        Person("ines.calder", "Ines Calder", ADMINISTRATOR, ("Staff",)),
        Person("tom.okafor", "Tom Okafor", OPERATOR, ("On call",)),
        Person("mira.lindt", "Mira Lindt", OPERATOR, ("On call",)),
        Person("paul.reyes", "Paul Reyes", AUDITOR, ("Staff",)),
    ),
    (("Staff", ""), ("Operations", "Staff"), ("On call", "Operations")),
    joined=-410,
)

ACME = Company(
    "acme",
    "Acme Industries",
    (
        Person("jane.roe", "Jane Roe", ADMINISTRATOR, ("Staff",)),
        Person("carlos.vega", "Carlos Vega", CONTRACTS, ("Sales",)),
        Person("anna.kovacs", "Anna Kovacs", ACCESS, ("Staff",)),
        Person("david.chen", "David Chen", DEVELOPER, ("Product teams",)),
        Person("ruth.adler", "Ruth Adler", AUDITOR, ("Staff",)),
        Person("sam.porter", "Sam Porter", groups=("Monitoring team",)),
    ),
    (
        ("Staff", ""),
        ("Sales", "Staff"),
        ("Product teams", "Staff"),
        ("Monitoring team", "Product teams"),
    ),
)

NORDWERK = Company(
    "nordwerk",
    "Nordwerk Maschinenbau",
    (
        Person("lena.hartmann", "Lena Hartmann", ADMINISTRATOR, ("Staff",)),
        Person("uwe.brandt", "Uwe Brandt", CONTRACTS, ("Purchasing",)),
        Person("petra.sommer", "Petra Sommer", ACCESS, ("Staff",)),
        Person("jonas.weiss", "Jonas Weiss", DEVELOPER, ("Production IT",)),
        Person("karin.vogt", "Karin Vogt", AUDITOR, ("Staff",)),
        Person("emil.krause", "Emil Krause", groups=("Shift leads",)),
        Person("sofia.renner", "Sofia Renner", groups=("Maintenance",)),
    ),
    (
        ("Staff", ""),
        ("Purchasing", "Staff"),
        ("Production IT", "Staff"),
        ("Operations", "Staff"),
        ("Maintenance", "Operations"),
        ("Shift leads", "Operations"),
    ),
)

FERRUM = Company(
    "ferrum",
    "Ferrum Gießerei",
    (
        Person("helga.stein", "Helga Stein", ADMINISTRATOR, ("Staff",)),
        Person("marek.novak", "Marek Novak", CONTRACTS, ("Staff",)),
        Person("olga.brand", "Olga Brand", AUDITOR, ("Staff",)),
        Person("timo.ernst", "Timo Ernst", groups=("Laboratory",)),
    ),
    (("Staff", ""), ("Laboratory", "Staff")),
)

HANSALOG = Company(
    "hansalog",
    "HansaLog Spedition",
    (
        Person("finn.petersen", "Finn Petersen", ADMINISTRATOR, ("Staff",)),
        Person("greta.holm", "Greta Holm", CONTRACTS, ("Staff",)),
        Person("nils.aden", "Nils Aden", DEVELOPER, ("Staff",)),
        Person("wiebke.janssen", "Wiebke Janssen", groups=("Dispatch",)),
    ),
    (("Staff", ""), ("Dispatch", "Staff"), ("Night dispatch", "Dispatch")),
)

SERVICO = Company(
    "servico",
    "Servico Field Service",
    (
        Person("marta.silva", "Marta Silva", ADMINISTRATOR, ("Staff",)),
        Person("rui.costa", "Rui Costa", CONTRACTS, ("Staff",)),
        Person("ana.duarte", "Ana Duarte", ACCESS, ("Staff",)),
        Person("joao.pinto", "João Pinto", groups=("Technicians",)),
    ),
    (("Staff", ""), ("Technicians", "Staff")),
)

STROMTAL = Company(
    "stromtal",
    "Stromtal Energie",
    (
        Person("beat.kuenzli", "Beat Künzli", ADMINISTRATOR, ("Staff",)),
        Person("regula.frei", "Regula Frei", CONTRACTS, ("Staff",)),
        Person("urs.meier", "Urs Meier", AUDITOR, ("Staff",)),
        Person("lea.baumann", "Lea Baumann", groups=("Grid control",)),
    ),
    (("Staff", ""), ("Grid control", "Staff")),
)

PULSAR = Company(
    "pulsar",
    "Pulsar Analytics",
    (
        Person("noor.haddad", "Noor Haddad", ADMINISTRATOR, ("Founders",)),
        Person("kai.tanaka", "Kai Tanaka", (*DEVELOPER, *CONTRACTS[:2]), ("Founders",)),
        Person("zoe.martin", "Zoë Martin", DEVELOPER, ("Data science",)),
        Person("leo.fontaine", "Léo Fontaine", groups=("Data science",)),
    ),
    (("Founders", ""), ("Data science", "")),
    joined=-200,
)

BLUEFLEET = Company(
    "bluefleet",
    "BlueFleet Mobility",
    (
        Person("grace.owusu", "Grace Owusu", ADMINISTRATOR, ("Staff",)),
        Person("henrik.dahl", "Henrik Dahl", CONTRACTS, ("Staff",)),
        Person("aisha.rahman", "Aisha Rahman", DEVELOPER, ("Telematics",)),
        Person("victor.lang", "Victor Lang", groups=("Telematics",)),
    ),
    (("Staff", ""), ("Telematics", "Staff")),
)

KESTREL = Company(
    "kestrel",
    "Kestrel Versicherung",
    (
        Person("clara.hoffmann", "Clara Hoffmann", ADMINISTRATOR, ("Staff",)),
        Person("peter.albrecht", "Peter Albrecht", CONTRACTS, ("Staff",)),
        Person("diana.wolf", "Diana Wolf", groups=("Claims",)),
    ),
    (("Staff", ""), ("Claims", "Staff")),
    joined=-250,
)

ALTMUEHL = Company(
    "altmuehl",
    "Altmühl Papier",
    (
        Person("georg.huber", "Georg Huber", ADMINISTRATOR, ("Staff",)),
        Person("rosa.maier", "Rosa Maier", CONTRACTS, ("Staff",)),
    ),
    (("Staff", ""),),
    joined=-300,
    suspended=(-9, "Insolvency; the administrator asked for a stop."),
)

# The platform first: its administrator makes the others.
COMPANIES = (
    PLATFORM,
    ACME,
    NORDWERK,
    FERRUM,
    HANSALOG,
    SERVICO,
    STROMTAL,
    PULSAR,
    BLUEFLEET,
    KESTREL,
    ALTMUEHL,
)

# Who invited whom, and when; a contract needs it.
PARTNERS = (
    ("acme", "nordwerk", -370),
    ("acme", "ferrum", -365),
    ("acme", "hansalog", -360),
    ("acme", "stromtal", -360),
    ("hansalog", "nordwerk", -350),
    ("hansalog", "ferrum", -349),
    ("bluefleet", "hansalog", -340),
    ("servico", "nordwerk", -330),
    ("servico", "acme", -328),
    ("servico", "bluefleet", -320),
    ("stromtal", "nordwerk", -310),
    ("stromtal", "ferrum", -305),
    ("altmuehl", "nordwerk", -280),
    ("stromtal", "bluefleet", -260),
    ("servico", "stromtal", -240),
    ("hansalog", "kestrel", -230),
    ("acme", "pulsar", -190),
    ("pulsar", "nordwerk", -185),
    ("pulsar", "stromtal", -180),
    ("pulsar", "ferrum", -90),
)
