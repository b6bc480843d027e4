/// Text inside XML and HTML: what would be markup is escaped, what no document may hold is replaced.
enum XMLText {
    static func escaped(_ text: String) -> String {
        var output = ""
        output.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            case "\t", "\n": output.unicodeScalars.append(scalar)
            // XML 1.0 §2.2 knows no other control characters, and neither of these two.
            case "\u{0}"..<"\u{20}", "\u{fffe}", "\u{ffff}": output += "\u{fffd}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
