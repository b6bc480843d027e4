import UproarCore

/// The names of a recording: on disk `PERSON.DATE.CALL.part`, then `….rec`; in the store `recordings/PERSON/DATE-CALL.urec`.
///
/// PERSON is a tag (`RecordingKeys.tags`), DATE is `20260101T080910Z`, CALL has letters, digits, `-` and `_`.
package struct RecordingName: Hashable, Sendable {
    package static let folder = "recordings/"
    static let parts = ".part"
    static let whole = ".rec"
    private static let callLimit = 64

    package var person: String
    package var date: String
    package var call: String

    init(person: String, unixTime: Int64, call: String) {
        self.person = person
        date = Self.date(unixTime)
        self.call = String(
            String.UnicodeScalarView(
                call.unicodeScalars.prefix(Self.callLimit).map {
                    $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
                        || $0 == "-" || $0 == "_" ? $0 : "_"
                }))
    }

    /// Of a file in the spool, whatever its ending.
    init?(file: String) {
        let parts = file.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        (person, date, call) = (String(parts[0]), String(parts[1]), String(parts[2]))
    }

    package init?(key: String) {
        guard key.hasPrefix(Self.folder), key.hasSuffix(".urec") else { return nil }
        let parts = key.dropFirst(Self.folder.count).dropLast(5).split(separator: "/")
        guard parts.count == 2, let dash = parts[1].firstIndex(of: "-") else { return nil }
        person = String(parts[0])
        date = String(parts[1][..<dash])
        call = String(parts[1][parts[1].index(after: dash)...])
    }

    private var stem: String { "\(person).\(date).\(call)" }
    var partFile: String { stem + Self.parts }
    var file: String { stem + Self.whole }
    package var key: String { Self.folder + "\(person)/\(date)-\(call).urec" }

    /// `20260101T080910Z`; dates compare as texts do.
    package static func date(_ unixTime: Int64) -> String {
        String(AgentLog.iso(unixTime * 1000).prefix(19).filter { $0 != "-" && $0 != ":" }) + "Z"
    }
}
