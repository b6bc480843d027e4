import Glibc

/// The working directory of this process.
enum WorkingFolder {
    static func path() -> String {
        guard let text = getcwd(nil, 0) else { return "." }
        defer { free(text) }
        return String(cString: text)
    }
}
