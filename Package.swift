// swift-tools-version: 6.2
import PackageDescription

// One rule for every target: warnings are errors, `any` is written, imports are declared.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    // Debug builds, and so all tests, trap on overlapping access. In release the checks would double the cost of a loop's
    // turn: every stored property of a class is one.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A module of ours: its name without the prefix, and what it may import (ARCHITECTURE.md, "Tiers").
func module(_ name: String, _ dependencies: [String], c libraries: [String] = []) -> Target {
    .target(
        name: "Uproar\(name)",
        dependencies: (dependencies.map { "Uproar\($0)" } + libraries).map {
            .init(stringLiteral: $0)
        },
        swiftSettings: strict)
}

/// The tests of one module; they may also use whatever the module itself may import. `programs` are built for them to start.
func tests(
    of name: String, using others: [String] = [], programs: [String] = [],
    resources: [Resource] = []
) -> Target {
    .testTarget(
        name: "Uproar\(name)Tests",
        dependencies: (([name] + others).map { "Uproar\($0)" } + programs).map {
            .init(stringLiteral: $0)
        },
        resources: resources,
        swiftSettings: strict)
}

let package = Package(
    name: "uproar",
    products: [.executable(name: "uproar", targets: ["uproar"])],
    targets: [
        // C libraries, from Debian's packages.
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(
            name: "CSndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "COpus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "CSoxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(name: "CFlite", providers: [.apt(["flite1-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        // What the Glibc module leaves out; each shim says why.
        .target(name: "CUproarShims"),
        // libcurl (libcurl4-openssl-dev) as functions that Swift can call.
        .target(name: "CUproarCurl", linkerSettings: [.linkedLibrary("curl")]),

        // Tier 0
        module("Core", []),
        // Tier 1
        module("Statistics", ["Core"], c: ["CZlib"]),
        module("Scenario", ["Core"], c: ["CYAML"]),
        module("Audio", ["Core"], c: ["CSndfile", "COpus", "CSoxr", "CFlite"]),
        module("Crypto", ["Core"], c: ["COpenSSL"]),
        // Tier 2
        module("Wire", ["Core", "Crypto"], c: ["CHiredis"]),
        module("Runtime", ["Core"]),
        module("Faults", ["Core"]),
        // Tier 3
        module(
            "Posix", ["Core", "Runtime", "Wire", "Crypto"],
            c: ["CUproarShims", "CUproarCurl", "COpenSSL"]),
        module("Simulation", ["Core", "Runtime", "Wire"]),
        // Tier 4
        module("Transports", ["Core", "Runtime", "Wire", "Audio", "Crypto"]),
        module("Providers", ["Core", "Runtime", "Wire", "Audio", "Faults", "Crypto"]),
        module("Links", ["Core", "Runtime", "Wire", "Faults"]),
        module("Capacity", ["Core", "Statistics"]),
        // Tier 5
        module("Agent", ["Core", "Runtime", "Wire", "Audio", "Crypto"]),
        module(
            "Load", ["Core", "Runtime", "Scenario", "Statistics", "Faults", "Audio"]),
        module("Reports", ["Core", "Statistics", "Capacity"]),
        // Tier 6
        module(
            "Harness",
            [
                "Core", "Statistics", "Scenario", "Audio", "Crypto", "Wire", "Runtime", "Faults",
                "Posix", "Simulation", "Transports", "Providers", "Links", "Capacity", "Agent",
                "Load", "Reports",
            ]),
        // Tier 7
        .executableTarget(
            name: "uproar", dependencies: ["UproarCore", "UproarCapacity", "UproarHarness"],
            swiftSettings: strict),

        // Renders fixtures/; see scripts/render-fixtures.
        .executableTarget(
            name: "render-fixtures",
            dependencies: ["UproarCore", "UproarScenario", "UproarAudio"],
            swiftSettings: strict),

        // Benchmarks
        .executableTarget(name: "media-floor", path: "Benchmarks/MediaFloor"),
        .executableTarget(name: "link-floor", path: "Benchmarks/LinkFloor"),
        .executableTarget(
            name: "RuntimeBenchmark",
            dependencies: ["UproarCore", "UproarRuntime", "UproarPosix", "UproarSimulation"],
            path: "Benchmarks/RuntimeBenchmark", exclude: ["run"], swiftSettings: strict),
        .executableTarget(
            name: "CallerBenchmark",
            dependencies: [
                "UproarCore", "UproarStatistics", "UproarScenario", "UproarWire", "UproarRuntime",
                "UproarPosix", "UproarTransports", "UproarLoad", "UproarHarness",
            ],
            path: "Benchmarks/CallerBenchmark", exclude: ["run"], swiftSettings: strict),
        .executableTarget(
            name: "SimulationBenchmark",
            dependencies: [
                "UproarCore", "UproarStatistics", "UproarScenario", "UproarRuntime",
                "UproarHarness",
            ],
            path: "Benchmarks/SimulationBenchmark", exclude: ["run"], swiftSettings: strict),
        .executableTarget(
            name: "CodecBenchmark", dependencies: ["UproarCore", "UproarWire"],
            path: "Benchmarks/CodecBenchmark", exclude: ["run"], swiftSettings: strict),
        .executableTarget(
            name: "TagDecodeBenchmark", dependencies: ["UproarCore", "UproarAudio"],
            path: "Benchmarks/TagDecodeBenchmark", exclude: ["run"], swiftSettings: strict),
        .executableTarget(
            name: "MediaBenchmark",
            dependencies: [
                "UproarCore", "UproarWire", "UproarRuntime", "UproarTransports", "UproarAgent",
            ],
            path: "Benchmarks/MediaBenchmark", exclude: ["run"], swiftSettings: strict),
        .executableTarget(
            name: "HearingBenchmark",
            dependencies: ["UproarCore", "UproarScenario", "UproarAudio", "UproarProviders"],
            path: "Benchmarks/HearingBenchmark", exclude: ["run"], swiftSettings: strict),

        .executableTarget(
            name: "CompareBenchmark", dependencies: ["UproarCore", "UproarStatistics"],
            path: "Benchmarks/CompareBenchmark", exclude: ["run"], swiftSettings: strict),

        .executableTarget(
            name: "AutoscaleBenchmark", dependencies: ["UproarCore", "UproarCapacity"],
            path: "Benchmarks/AutoscaleBenchmark", exclude: ["run"], swiftSettings: strict),

        .executableTarget(
            name: "ReportBenchmark",
            dependencies: ["UproarCore", "UproarStatistics", "UproarReports"],
            path: "Benchmarks/ReportBenchmark", exclude: ["run"], swiftSettings: strict),

        // The codecs behind a pipe (scripts/interop-websocket)
        .executableTarget(
            name: "WireInterop", dependencies: ["UproarCore", "UproarCrypto", "UproarWire"],
            path: "Tests/Interop/WireInterop", swiftSettings: strict),

        tests(of: "Core"),
        tests(of: "Statistics", using: ["Core"]),
        tests(of: "Scenario", using: ["Core"]),
        tests(of: "Audio", using: ["Core"]),
        tests(of: "Crypto", using: ["Core"]),
        tests(of: "Wire", using: ["Core", "Crypto"]),
        tests(of: "Faults", using: ["Core"]),
        tests(of: "Runtime", using: ["Core", "Posix", "Simulation", "Wire", "Crypto"]),
        tests(
            of: "Posix", using: ["Core", "Runtime", "Wire", "Crypto"],
            programs: ["guardian-trial", "descriptor-trial"]),
        .executableTarget(
            name: "guardian-trial", dependencies: ["UproarCore", "UproarPosix", "UproarRuntime"],
            path: "Tests/GuardianTrial", swiftSettings: strict),
        .executableTarget(
            name: "descriptor-trial",
            dependencies: ["UproarCore", "UproarPosix", "UproarRuntime", "UproarWire"],
            path: "Tests/DescriptorTrial", swiftSettings: strict),
        tests(
            of: "Transports", using: ["Core", "Runtime", "Wire", "Audio", "Crypto", "Simulation"]),
        tests(
            of: "Providers",
            using: ["Core", "Runtime", "Wire", "Audio", "Faults", "Crypto", "Simulation"]),
        tests(
            of: "Agent",
            using: [
                "Core", "Runtime", "Wire", "Audio", "Crypto", "Faults", "Simulation", "Providers",
            ]),
        tests(
            of: "Load",
            using: ["Core", "Runtime", "Scenario", "Statistics", "Faults", "Audio", "Simulation"]),
        tests(
            of: "Links",
            using: ["Core", "Runtime", "Wire", "Faults", "Simulation", "Posix"]),
        tests(of: "Capacity", using: ["Core", "Statistics"]),
        tests(of: "Reports", using: ["Core", "Statistics", "Capacity"]),
        tests(
            of: "Harness",
            using: [
                "Core", "Statistics", "Scenario", "Audio", "Wire", "Runtime", "Simulation", "Posix",
                "Load", "Reports", "Transports", "Providers", "Agent", "Faults", "Capacity",
            ], programs: ["guardian-trial"]),
        .testTarget(name: "TidyTests", swiftSettings: strict),
    ]
)
