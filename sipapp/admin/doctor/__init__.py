"""The doctor: reads a configuration, the limits and the live kernel, and says what does not fit,
with the line that mends it.
"""

from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.examination import Report, examine
from sipapp.admin.doctor.finding import SEVERITIES, Finding, Severity
from sipapp.admin.doctor.host import Host
from sipapp.admin.doctor.running import diagnose

__all__ = ["SEVERITIES", "Demand", "Finding", "Host", "Report", "Severity", "diagnose", "examine"]
