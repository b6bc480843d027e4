// Tests of UproarPosix.
