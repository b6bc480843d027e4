import UproarCore

/// The only way from this module to the disk: closures handed in by whoever may touch it. Tests hand in a dictionary.
package struct ScenarioFiles: Sendable {
    /// Where `path`, as written in the file `from`, is: relative to that file, else to the installed share folder. An empty
    /// `from` is the command line: relative to the working directory. nil when nothing is there. Files and folders alike.
    package var find: @Sendable (_ path: String, _ from: String) -> String?
    /// The bytes of a file that `find` answered.
    package var read: @Sendable (_ path: String) -> Result<[UInt8], Refusal>
    /// A value of the environment; nil when it is not set.
    package var variable: @Sendable (_ name: String) -> String?

    /// Why a file cannot be read, in words: `permission denied`.
    package struct Refusal: Error, Hashable, Sendable {
        package var reason: String
        package init(_ reason: String) { self.reason = reason }
    }

    package init(
        find: @escaping @Sendable (_ path: String, _ from: String) -> String?,
        read: @escaping @Sendable (_ path: String) -> Result<[UInt8], Refusal>,
        variable: @escaping @Sendable (_ name: String) -> String? = { _ in nil }
    ) {
        self.find = find
        self.read = read
        self.variable = variable
    }

    /// The path of `name` inside a folder; a name that begins at the root stays.
    package static func path(_ name: String, in folder: String) -> String {
        if name.first == "/" { return name }
        return folder.last == "/" ? folder + name : folder + "/" + name
    }
}

extension Reading {
    /// Finds and reads a file that the scalar `node` names; nil and a problem when there is none.
    func file(_ node: YAMLNode, path: String, page: String, _ files: ScenarioFiles) -> (
        path: String, bytes: [UInt8]
    )? {
        guard let name = value(node, path: path, page: page, ScalarText.text) else { return nil }
        guard let found = find(name, node, files) else {
            report(
                node.mark, "\(path): there is no file \"\(name)\"",
                allowed: "a path relative to this file, or to the installed share folder",
                page: page)
            return nil
        }
        switch files.read(found) {
        case .success(let bytes): return (found, bytes)
        case .failure(let refusal):
            report(
                node.mark, "\(path): \(found) cannot be read: \(refusal.reason)",
                allowed: "a file that can be read", page: page)
            return nil
        }
    }

    /// Where a path that stands in `node` is; one from the command line counts from the working directory, then from the
    /// scenario.
    func find(_ name: String, _ node: YAMLNode, _ files: ScenarioFiles) -> String? {
        guard node.mark.line == 0 else { return files.find(name, node.mark.file) }
        return files.find(name, "") ?? files.find(name, mainFile)
    }

    /// Reads one YAML document; its problems become problems of this reading.
    func document(_ bytes: [UInt8], file: String) -> YAMLNode? {
        let parsed = YAMLDocument.parse(bytes, file: file)
        for problem in parsed.problems { report(problem) }
        return parsed.root
    }
}
