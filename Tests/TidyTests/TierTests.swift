import Testing

/// Imports point down the tiers, and the table that people read is the one that is built.
@Suite struct TierTests {
    private let table: TierTable
    private let package: PackageTargets

    init() throws {
        table = TierTable(markdown: try #require(SourceTree.shared.file("ARCHITECTURE.md")).text)
        package = PackageTargets(
            manifest: try #require(SourceTree.shared.file("Package.swift")).text)
    }

    /// What the toolchain brings along.
    private static let system = ["Glibc", "Synchronization"]

    @Test func theTableNamesEveryModuleThatIsBuilt() {
        let built = package.targets.filter {
            $0.name.hasPrefix("Uproar") && $0.folder.hasPrefix("Sources/")
        }
        #expect(built.count >= 15)
        #expect(Set(table.rows.map(\.target)) == Set(built.map(\.name) + ["uproar"]))
        #expect(table.rows.map(\.tier) == table.rows.map(\.tier).sorted())
    }

    @Test func theTableSaysWhatPackageSwiftSays() throws {
        for row in table.rows {
            let target = try #require(package.targets.first { $0.name == row.target })
            #expect(
                Set(row.dependencies) == Set(target.dependencies),
                "ARCHITECTURE.md and Package.swift differ on \(row.target)")
        }
    }

    @Test func dependenciesPointDown() {
        for row in table.rows {
            for dependency in row.dependencies {
                guard let other = table.row(of: dependency) else {
                    #expect(dependency.hasPrefix("C"), "\(row.target) depends on \(dependency)")
                    continue
                }
                #expect(
                    other.tier < row.tier,
                    "\(row.target) (tier \(row.tier)) must not import \(dependency) (tier \(other.tier)): what it needs belongs lower, or is a port in UproarRuntime"
                )
            }
        }
    }

    @Test func everyImportIsDeclared() {
        for target in package.targets {
            let tier = table.row(of: target.name)?.tier
            var allowed = Set(target.dependencies + Self.system)
            if target.folder.hasPrefix("Tests/") { allowed.formUnion(["Testing", "Foundation"]) }
            if tier.map({ $0 >= 6 }) ?? false { allowed.insert("Foundation") }
            let files = SourceTree.shared.code.filter {
                $0.path.hasPrefix(target.folder + "/") && $0.path.hasSuffix(".swift")
            }
            for file in files {
                for (line, module) in SwiftText(file.text).imports {
                    #expect(
                        allowed.contains(module),
                        "\(file.path):\(line): \(target.name) does not declare \(module)")
                }
            }
        }
    }

    @Test func aTableWithAnUpwardImportIsSeenThrough() {
        let table = TierTable(
            markdown: """
                | tier | target | depends on | holds |
                |---|---|---|---|
                | 0 | `UproarCore` | Wire | nothing |
                | 2 | `UproarWire` | Core, CHiredis | codecs |
                """)
        #expect(
            table.rows == [
                .init(tier: 0, target: "UproarCore", dependencies: ["UproarWire"]),
                .init(tier: 2, target: "UproarWire", dependencies: ["UproarCore", "CHiredis"]),
            ])
    }

    @Test func manifestsAreReadWhateverTheirLayout() {
        let package = PackageTargets(
            manifest: """
                        module("Core", []),
                        module(
                            "Posix", ["Core",
                                "Runtime"],
                            c: ["COpenSSL"]),
                        tests(
                            of: "Posix", using: ["Core"], programs: ["guardian-trial"]),
                        .executableTarget(
                            name: "Codec", dependencies: ["UproarCore"],
                            path: "Benchmarks/Codec", swiftSettings: strict),
                """)
        #expect(
            package.targets == [
                .init(name: "UproarCore", folder: "Sources/UproarCore", dependencies: []),
                .init(
                    name: "UproarPosix", folder: "Sources/UproarPosix",
                    dependencies: ["UproarCore", "UproarRuntime", "COpenSSL"]),
                .init(
                    name: "UproarPosixTests", folder: "Tests/UproarPosixTests",
                    dependencies: ["UproarPosix", "UproarCore"]),
                .init(
                    name: "Codec", folder: "Benchmarks/Codec", dependencies: ["UproarCore"]),
            ])
    }
}
