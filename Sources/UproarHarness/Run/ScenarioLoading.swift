import Glibc
import UproarAgent
import UproarAudio
import UproarCore
import UproarCrypto
import UproarFaults
import UproarScenario

/// Reads scenarios from the disk, with the files that they name.
package enum ScenarioLoading {
    /// What was wrong with what the person gave, ready to print.
    package struct Problem: Error, CustomStringConvertible {
        package var description: String
        package init(_ description: String) { self.description = description }
    }

    package static let catalog = ScenarioCatalog(
        transports: TransportCatalog.all, faults: FaultCatalog.all,
        places: ["agent", "providers", "uplink", "downlink"] + LinkArrow.all.map(\.description),
        agentKeys: UproarAgent.AgentSettings.scenarioKeys.map { key in
            AgentKey(key) { (text: String) throws(TextProblem) in
                var settings = UproarAgent.AgentSettings()
                try settings.set(key, text: text)
            }
        },
        variants: NoiseVariant.allCases.map(\.rawValue),
        alerts: (try? AlertRules.shipped().map(\.name)) ?? [])

    package static let files = ScenarioFiles(
        find: { path, from in
            if path.hasPrefix("/") { return ShareFolder.exists(path) ? path : nil }
            let folder = from.lastIndex(of: "/").map { String(from[...$0]) } ?? ""
            if ShareFolder.exists(folder + path) { return folder + path }
            guard let share = ShareFolder.find(), ShareFolder.exists(share + "/" + path) else {
                return nil
            }
            return share + "/" + path
        },
        read: { path in
            do {
                return .success(try TextFile.read(path))
            } catch let failure as TextFile.Failure {
                return .failure(.init(String(cString: strerror(failure.errno))))
            } catch {
                return .failure(.init("\(error)"))
            }
        }, variable: WithheldKeys.ownValue)

    /// - file: a path, or the name of a scenario that ships: `scenarios/quickstart.yaml`, or just `quickstart`.
    package static func read(_ file: String, overrides: [String]) throws -> Scenario {
        let named = ShareFolder.locate(file) ?? ShareFolder.locate("scenarios/\(file).yaml")
        guard let found = named else {
            let near = NearestName.of(file, among: shipped())
            throw Problem(
                "there is no scenario \(file)" + (near.map { "; did you mean \($0)?" } ?? "")
                    + "\n  a path is allowed, or the name of one that ships: \(shipped().joined(separator: " "))"
            )
        }
        let bytes: [UInt8]
        do { bytes = try TextFile.read(found) } catch { throw Problem("\(error)") }
        do {
            return try ScenarioReader.read(
                bytes, file: found, overrides: overrides, files: files, catalog: catalog)
        } catch { throw Problem("\(error)") }
    }

    /// A scenario from text of our own, as for a run without a file.
    ///
    /// - name: where it would lie in the share folder, which is where its paths count from, wherever people work.
    package static func read(text: String, name: String, overrides: [String]) throws -> Scenario {
        do {
            return try ScenarioReader.read(
                Array(text.utf8), file: name, overrides: overrides, files: shipped(as: name),
                catalog: catalog)
        } catch { throw Problem("\(error)") }
    }

    static func shipped(as name: String) -> ScenarioFiles {
        var own = files
        let share = ShareFolder.find()
        own.find = { path, from in
            if from == name, !path.hasPrefix("/"), let share {
                let found = files.find(path, share + "/" + name)
                if let found { return found }
            }
            return files.find(path, from)
        }
        return own
    }

    /// Names of the scenarios in the share folder.
    package static func shipped() -> [String] {
        guard let share = ShareFolder.find(), let folder = opendir(share + "/scenarios") else {
            return []
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".yaml") { names.append("scenarios/" + name) }
        }
        return names.sorted()
    }

    /// The plan of a scenario under a seed, with what its calls are made of and its clips' audio.
    package static func plan(_ scenario: Scenario, seed: UInt64) throws
        -> (plan: RunPlan, lines: [RunLine], sounds: [PCM])
    {
        let seed = Seed(seed)
        var sounds: [PCM] = []
        let lines = try RunLine.lines(of: scenario, seed: seed) { format in
            let corpus = try CorpusAudio.load(scenario.audio, rate: format.rate)
            sounds = corpus.sounds
            return corpus
        }
        let plan = RunPlan(
            scenario: scenario, seed: seed,
            arrivals: ArrivalPlan(scenario.load, seed: seed, redial: scenario.redial),
            clips: lines[0].clips, hash: scenario.hash { HexText.of(Digest.sha256.hash($0)) })
        return (plan, lines, sounds)
    }
}
