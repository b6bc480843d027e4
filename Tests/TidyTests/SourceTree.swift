import Foundation

/// The repository's own files, read once.
struct SourceTree: Sendable {
    struct File: Sendable {
        /// From the repository's root: `Sources/UproarCore/Time/Instant.swift`.
        var path: String
        var text: String

        /// The folder below `Sources` or `Tests`: `UproarCore`.
        var target: String {
            let parts = path.split(separator: "/")
            return parts.count > 2 ? String(parts[1]) : ""
        }

        var lineCount: Int { text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } }
    }

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    static let shared = SourceTree()

    /// Swift and C below `Sources`, `Tests` and `Benchmarks`, in order of path.
    let code: [File]
    /// All that people read or run, code included.
    let all: [File]

    private init() {
        let suffixes = [
            "swift", "c", "h", "md", "yaml", "yml", "sh", "py", "json", "txt", "modulemap",
        ]
        let plain = ["Makefile", "run", "install", "install-deps"]
        var files: [File] = []
        let folders = [
            "Sources", "Tests", "Benchmarks", "docs", "scenarios", "scripts", "examples", "deploy",
            ".ci",
        ]
        for folder in folders { Self.collect(folder, into: &files) }
        let top = (try? FileManager.default.contentsOfDirectory(atPath: Self.root)) ?? []
        for name in top.sorted() { Self.read(name, into: &files) }
        all = files.filter { file in
            let name = file.path.split(separator: "/").last.map(String.init) ?? ""
            return plain.contains(name)
                || suffixes.contains(name.split(separator: ".").last.map(String.init) ?? "")
        }
        code = all.filter { file in
            ["Sources/", "Tests/", "Benchmarks/"].contains { file.path.hasPrefix($0) }
                && ["swift", "c", "h"].contains { file.path.hasSuffix(".\($0)") }
        }
    }

    private static func collect(_ folder: String, into files: inout [File]) {
        let names = FileManager.default.subpaths(atPath: "\(root)/\(folder)") ?? []
        for name in names.sorted() where !name.contains("__pycache__") {
            read("\(folder)/\(name)", into: &files)
        }
    }

    private static func read(_ path: String, into files: inout [File]) {
        guard let data = FileManager.default.contents(atPath: "\(root)/\(path)"),
            data.count < 4 << 20, let text = String(data: data, encoding: .utf8)
        else { return }
        files.append(File(path: path, text: text))
    }

    func file(_ path: String) -> File? { all.first { $0.path == path } }
}
