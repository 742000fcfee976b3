"""What a start would stumble over, found one by one, each with the next move."""

from memory_core.doctor.examination import examine
from memory_core.doctor.results import Check, Report
from memory_core.doctor.verification import verify

__all__ = ["Check", "Report", "examine", "verify"]
