import Glibc

/// Texts as C wants them, for the time of a call.
enum CStrings {
    /// A list with a null pointer behind its end (`argv`, `environ`).
    static func with<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    static func withOptional<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result)
        -> Result
    {
        guard let text else { return body(nil) }
        return text.withCString(body)
    }
}
