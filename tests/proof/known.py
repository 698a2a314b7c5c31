"""What the proof leaves out, each behind a name. True: the histories have it, and must hold."""

from __future__ import annotations

# A person changes the words after a read has shown that an earlier request is not there, and that
# request arrives later. The new version has a key of its own.
EDIT_WHILE_UNDER_WAY = False

# The same behind a worker that stands still between its claim and its request for longer than its
# lease, and then sends the words of before.
EDIT_BEHIND_SLOW_WORKER = False

# Such a worker on a platform without keys, even where nobody changes anything.
SLOW_WITHOUT_KEYS = False

# A person says that a post is not there, on an account that cannot be read, and wants it sent.
ABSENT_WHERE_NOTHING_CAN_BE_READ = False
