import Glibc
import UproarCore
import UproarFaults
import UproarPosix
import UproarScenario

/// How the vendors' names lead to a run's emulators for one agent: each provider has a loopback address of its own, where it speaks
/// TLS on port 443, and the agent gets a view of the file system in which the names resolve to it and the authority is trusted.
///
/// The network is shared, so callers, Redis and all other hosts are where they are.
package struct InterceptPlan: Hashable, Sendable {
    /// Vendors' names and the person's own, each once.
    package var hosts: [VendorHosts.Entry]
    /// Tells the addresses of runs on one machine apart.
    var network: String

    package static let port: UInt16 = 443

    package init(_ intercept: TargetIntercept, process: Int32 = getpid()) {
        hosts = []
        for entry in intercept.hosts.map({ VendorHosts.Entry($0.name, $0.provider) })
            + VendorHosts.all where !hosts.contains(where: { $0.name == entry.name })
        { hosts.append(entry) }
        // 127/8 is all loopback; this half of it is rarely used by anybody.
        network = "127.\(64 + process >> 8 % 64).\(process % 256)"
    }

    /// Of a provider, by its place in the catalog.
    package func address(of provider: ProviderID) -> String {
        let place = ProviderCatalog.all.firstIndex { $0.id == provider } ?? 0
        return "\(network).\(place + 1)"
    }

    /// Of those that a name leads to.
    package var addresses: [(provider: ProviderID, address: String)] {
        ProviderCatalog.all.map(\.id).filter { id in hosts.contains { $0.provider == id } }
            .map { ($0, address(of: $0)) }
    }

    // MARK: What the agent sees

    /// The hosts file: the machine's own without these names, and ours.
    func hostsFile(over own: String) -> String {
        let names = Set(hosts.map(\.name))
        var lines = own.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.dropFirst()
            return !words.contains { names.contains(String($0)) }
        }.map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        lines += hosts.map { "\(address(of: $0.provider)) \($0.name)" }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The hosts file goes first, and services of the machine that would ask elsewhere are not asked.
    static func switchFile(over own: String) -> String {
        var lines = own.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines.removeAll { $0.prefix { $0 != ":" }.filter { $0 != " " && $0 != "\t" } == "hosts" }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return (lines + ["hosts: files dns"]).joined(separator: "\n") + "\n"
    }

    /// Writes the files into `folder` (absolute) and says what stands where; only what is there can be covered.
    ///
    /// - program: as it will be started, for a Python whose libraries bring lists of authorities of their own.
    func prepare(folder: String, program: String) throws(Errno) -> [MountNamespace.Binding] {
        func text(_ path: String) -> String? {
            (try? TextFile.read(path)).map { String(decoding: $0, as: UTF8.self) }
        }
        var bindings: [MountNamespace.Binding] = []
        func cover(_ path: String, with source: String) {
            guard let real = Self.realPath(path), real != Self.realPath(source),
                !bindings.contains(where: { $0.target == real })
            else { return }
            bindings.append(.init(source, at: real))
        }
        try AtomicFile.write(
            Array(hostsFile(over: text("/etc/hosts") ?? "").utf8), to: folder + "/hosts")
        cover("/etc/hosts", with: folder + "/hosts")
        if let own = text("/etc/nsswitch.conf") {
            try AtomicFile.write(
                Array(Self.switchFile(over: own).utf8), to: folder + "/nsswitch.conf")
            cover("/etc/nsswitch.conf", with: folder + "/nsswitch.conf")
        }
        // Name caches answer for the machine, not for this agent.
        for cache in ["/run/nscd/socket", "/var/run/nscd/socket"] {
            cover(cache, with: "/dev/null")
        }
        let bundle = TrustFiles(folder: folder).bundle
        for list in TrustFiles.systemBundles + Self.bundles(of: program) {
            cover(list, with: bundle)
        }
        return bindings
    }

    /// Lists that come with Python's libraries: certifi's, botocore's, pip's, beside this interpreter and in the system's folders.
    static func bundles(of program: String) -> [String] {
        var roots = ["/usr/lib/python3", "/usr/lib/python3*", "/usr/local/lib/python3*"]
        if let slash = program.lastIndex(of: "/") {
            roots.insert("\(program[..<slash])/../lib/python3*", at: 0)
        }
        let files = [
            "certifi/cacert.pem", "botocore/cacert.pem", "pip/_vendor/certifi/cacert.pem",
            "grpc/_cython/_credentials/roots.pem",
        ]
        return roots.flatMap { root in
            ["site-packages", "dist-packages"].flatMap { folder in
                files.flatMap { matches("\(root)/\(folder)/\($0)") }
            }
        }
    }

    private static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }

    private static func realPath(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    // MARK: Before the run

    /// Refuses, before anything is started, what could only be done by halves.
    static func approve(_ scenario: Scenario) throws {
        guard case .command(let target) = scenario.target, let intercept = target.intercept else {
            return
        }
        let links = LinkPlan(scenario).behindAgent.filter { !$0.isRedis }
        if let link = links.first {
            throw problem(
                "\(link) is to have a link, and an intercepted agent goes straight to the vendor's name",
                allowed:
                    "faults on the provider itself, on agent->redis or callers->agent, or no intercept"
            )
        }
        let plan = InterceptPlan(intercept)
        for (_, address) in plan.addresses {
            guard let refusal = PortCheck.refusal(host: address, port: port) else { continue }
            throw problem(
                refusal.code == EACCES
                    ? "port \(port) on \(address) is closed to this user, and vendors are called there"
                    : "nobody can listen on \(address):\(port): \(refusal)",
                allowed: refusal.code == EACCES
                    ? "root; or `sysctl -w net.ipv4.ip_unprivileged_port_start=443`; or `setcap cap_net_bind_service+ep` on this program"
                    : "loopback addresses from 127.64.0.0 on with a free port \(port)")
        }
        if let reason = InsideProcess.trial() {
            throw problem(
                "the agent cannot get a view of its own of /etc/hosts: \(reason)",
                allowed:
                    "root (CAP_SYS_ADMIN), or user namespaces for this user: `sysctl -w user.max_user_namespaces=10000`, on Ubuntu also `kernel.apparmor_restrict_unprivileged_userns=0`; in Docker `--cap-add SYS_ADMIN --security-opt apparmor=unconfined`"
            )
        }
    }

    private static func problem(_ reason: String, allowed: String) -> ScenarioLoading.Problem {
        ScenarioLoading.Problem(
            """
            target.intercept: \(reason)
                allowed: \(allowed)
                more: docs/your-agent.md#intercept
            """)
    }
}
