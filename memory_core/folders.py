"""The user's data folder, found with the least to import: every command asks for it."""

from __future__ import annotations

import os
import sys


def user_data_folder() -> str:
    """The folder of this user's data for lessonbank, as `platformdirs` names it.

    On Linux it is written down here, since importing that library takes as long as
    everything else that a command does.
    """
    if sys.platform != "linux" or "ANDROID_DATA" in os.environ:
        from platformdirs import user_data_dir

        return user_data_dir("lessonbank", appauthor=False)
    base = os.environ.get("XDG_DATA_HOME", "")
    return os.path.join(
        base if base.strip() else os.path.expanduser("~/.local/share"), "lessonbank"
    )
