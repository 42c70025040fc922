"""The configuration: from the text of a file to frozen settings, and from those to the plan of
listeners and pools. Nothing else reads C{etc/}.
"""

from sipapp.config.accountsettings import AccountsSettings
from sipapp.config.adjustments import Adjustments, Place
from sipapp.config.admissionsettings import BansSettings, OverloadSettings, SourcesSettings
from sipapp.config.cautions import cautionsOf
from sipapp.config.describe import describePlan
from sipapp.config.errors import ConfigurationError
from sipapp.config.listensettings import (
    DEFAULT_PORTS,
    LimitsSettings,
    ListenSettings,
)
from sipapp.config.load import (
    EMBEDDED,
    EMBEDDED_NAME,
    ResourceTypes,
    adjustSettings,
    decodeSettings,
    encodeSettings,
    loadSettings,
    loadTables,
    parseSettings,
)
from sipapp.config.machine import LocalMachine, Machine, ownerOf
from sipapp.config.manholesettings import ManholeSettings
from sipapp.config.plan import SHARED, Plan, PoolPlan, ResolvedListener
from sipapp.config.resolve import resolve
from sipapp.config.settings import (
    DNSSettings,
    LocationSettings,
    LogSettings,
    PoolsSettings,
    ServerSettings,
    Settings,
    SIPSettings,
)
from sipapp.config.tlssettings import CertificateSettings, ClientTLSSettings, TLSSettings
from sipapp.config.trustsettings import TrustedSettings
from sipapp.config.values import SettingsTable, tomlKey

__all__ = [
    "DEFAULT_PORTS",
    "EMBEDDED",
    "EMBEDDED_NAME",
    "SHARED",
    "AccountsSettings",
    "Adjustments",
    "BansSettings",
    "CertificateSettings",
    "ClientTLSSettings",
    "ConfigurationError",
    "DNSSettings",
    "LimitsSettings",
    "ListenSettings",
    "LocalMachine",
    "LocationSettings",
    "LogSettings",
    "Machine",
    "ManholeSettings",
    "OverloadSettings",
    "Place",
    "Plan",
    "PoolPlan",
    "PoolsSettings",
    "ResolvedListener",
    "ResourceTypes",
    "SIPSettings",
    "ServerSettings",
    "Settings",
    "SettingsTable",
    "SourcesSettings",
    "TLSSettings",
    "TrustedSettings",
    "adjustSettings",
    "cautionsOf",
    "decodeSettings",
    "describePlan",
    "encodeSettings",
    "loadSettings",
    "loadTables",
    "ownerOf",
    "parseSettings",
    "resolve",
    "tomlKey",
]
