import UproarCore

/// Paths of the machine are no part of a result: what lies in the share folder is named from there.
enum SharePaths {
    static func stripped(_ value: JSONValue, share: String? = ShareFolder.find()) -> JSONValue {
        guard let share else { return value }
        switch value {
        case .string(let text) where text.hasPrefix(share + "/"):
            return .string(String(text.dropFirst(share.count + 1)))
        case .array(let items): return .array(items.map { stripped($0, share: share) })
        case .object(let members):
            return .object(
                members.map { JSONValue.Member($0.key, stripped($0.value, share: share)) })
        default: return value
        }
    }
}
