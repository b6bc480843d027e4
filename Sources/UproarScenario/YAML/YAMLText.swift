/// Texts as YAML that reads back as they were.
package enum YAMLText {
    /// `text` in double quotes.
    package static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                output.append("\\")
                output.unicodeScalars.append(scalar)
            case "\n": output += "\\n"
            case "\t": output += "\\t"
            case "\r": output += "\\r"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }

    /// The same, and `${` in it is no variable.
    package static func literal(_ text: String) -> String {
        var output = ""
        for character in text {
            if character == "{", output.last == "$" {
                output.append("${")
            } else {
                output.append(character)
            }
        }
        return quoted(output)
    }
}
