import Glibc
import UproarAgent
import UproarCore
import UproarCrypto
import UproarPosix
import UproarProviders
import UproarRuntime
import UproarTransports

/// The audit of a run's recordings: what they have to be is known from the callers, what they are from the run's own store.
package enum RunAudit {
    /// Of a live run: calls are folded once their last facts are here, `time` from now; then it is known what was to be recorded.
    ///
    /// - origin: the loop's reading at the first due arrival.
    package static func run(
        _ plan: RunPlan, _ results: RunResults, _ configurations: any ChildConfigurations,
        _ services: Services?, driver: PosixDriver, loop: EventLoop, origin: Instant,
        after time: Duration, then: @escaping () -> Void
    ) {
        guard let key = configurations.recordingKey,
            let port = services?.providers?.ports[ProviderID.objectStore.name]
        else { return then() }
        loop.schedule(at: loop.now + time) {
            results.recorder.fold(now: .zero + (loop.now - origin))
            run(
                plan, results, key: key, port: port,
                http: CurlHTTPClient(loop: loop, driver: driver), loop: loop,
                epoch: Int64(results.startedAt ?? Glibc.time(nil)),
                now: { Int64(Glibc.time(nil)) }, then: then)
        }
    }

    /// - key: `RECORDING_KEY` of the agent.
    /// - port: the emulated store's.
    /// - epoch: seconds since 1970 at the run's first due arrival.
    /// - then: called once; at once where nothing is recorded.
    package static func run(
        _ plan: RunPlan, _ results: RunResults, key: String, port: UInt16, http: any HTTPClient,
        loop: EventLoop, epoch: Int64, now: @escaping () -> Int64, then: @escaping () -> Void
    ) {
        guard let keys = RecordingKeys(key) else { preconditionFailure("the run made this key") }
        let store = ObjectStoreClient(
            base: "http://127.0.0.1:\(port)", bucket: UproarAgent.AgentSettings().recordingBucket,
            signer: SigV4(accessKey: "audit", secretKey: ObjectStoreEmulator.usualSecret),
            http: http, now: now)
        var due: [RecordingAudit.Due] = []
        var others: Set<String> = []
        for call in results.recorder.answered {
            let name = TwilioIdentity(seed: plan.seed, call: call.call).call
            guard call.connected >= RecordingAudit.shortestCall else {
                others.insert(name)
                continue
            }
            due.append(
                .init(
                    call: call.call, name: name, connected: call.connected,
                    ended: epoch + call.ended.nanoseconds / 1_000_000_000, endedAt: call.ended))
        }
        let audit = RecordingAudit(
            store: store, keys: keys, due: due, others: others, patience: .seconds(20), loop: loop)
        audit.run { [audit] findings in
            _ = audit
            for verdict in findings.verdicts {
                guard case .damaged(let reason) = verdict.state else { continue }
                results.note("the recording of call \(verdict.due.call): \(reason)")
            }
            if let failure = findings.failure {
                results.note("the store could not be looked into: \(failure)")
            } else {
                results.recorder.add(findings, now: due.map(\.endedAt).max() ?? .zero)
            }
            then()
        }
    }
}
