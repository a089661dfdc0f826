"""Working days as the State Council arranges them: deadlines in law count these."""

from scoring.calendar.working_days import Calendar, Due, load_calendar

__all__ = ["Calendar", "Due", "load_calendar"]
