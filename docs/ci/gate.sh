#!/bin/sh
# Any CI: a failing gate fails the step, a machine too busy to measure gets one more chance.
uproar run tests/voice-agent.yaml --out uproar-report --baseline baselines/voice-agent.json
code=$?
if [ $code = 4 ]; then
    uproar run tests/voice-agent.yaml --out uproar-report --baseline baselines/voice-agent.json
    code=$?
fi
exit $code
