import CYAML
import UproarCore

/// Reads one YAML document with libyaml (the C functions are `yaml_parser_parse` and its neighbours) into nodes with
/// places. This is the only file that sees libyaml.
///
/// What scenario files have no use for is refused with its place: anchors, aliases, merge keys, tags, second documents,
/// keys that are not plain text. Without aliases the node count is bounded by the text's length.
package enum YAMLDocument {
    /// Longer texts are refused.
    package static let sizeLimit = 8 << 20
    /// Nodes nested deeper are refused.
    package static let depthLimit = 32

    package struct Parsed: Sendable {
        /// nil when the text is no YAML document; then `problems` says why.
        package var root: YAMLNode?
        /// The error that ended the reading, and every duplicate key.
        package var problems: [FileProblem]
    }

    /// Never throws and never crashes, whatever the bytes are.
    package static func parse(_ bytes: [UInt8], file: String) -> Parsed {
        var reader = YAMLReader(file: file)
        guard bytes.count <= sizeLimit else {
            return reader.failed(
                YAMLMark(file: file, line: 1, column: 1),
                "the file has \(bytes.count) bytes", "at most \(sizeLimit) bytes")
        }
        if let offset = firstInvalidByte(of: bytes) {
            return reader.failed(
                mark(of: offset, in: bytes, file: file), "this byte is not UTF-8 text",
                "files are written in UTF-8")
        }
        // What some editors put in front of UTF-8 (YAML 1.2.2 §5.2) is no character of the text.
        return reader.read(bytes.starts(with: byteOrderMark) ? Array(bytes.dropFirst(3)) : bytes)
    }

    private static let byteOrderMark: [UInt8] = [0xef, 0xbb, 0xbf]

    package static func parse(_ text: String, file: String) -> Parsed {
        parse(Array(text.utf8), file: file)
    }

    /// Nil when all of it is UTF-8.
    private static func firstInvalidByte(of bytes: [UInt8]) -> Int? {
        if String(validating: bytes, as: UTF8.self) != nil { return nil }
        var decoder = UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .error: return offset
            case .emptyInput: return nil
            }
        }
    }

    static func mark(of offset: Int, in bytes: [UInt8], file: String) -> YAMLMark {
        let before = bytes.prefix(offset)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return YAMLMark(
            file: file, line: before.count { $0 == UInt8(ascii: "\n") } + 1,
            column: String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1)
    }
}

/// The state of one reading: libyaml's events become nodes.
private struct YAMLReader {
    let file: String
    var problems: [FileProblem] = []

    /// One event, with what it points to copied out.
    enum Event {
        case streamStart, documentStart, documentEnd, streamEnd
        case scalar(String, YAMLNode.Style)
        case alias
        case listStart, listEnd, mapStart, mapEnd
    }

    struct Stop: Error { var problem: FileProblem }

    init(file: String) { self.file = file }

    mutating func failed(_ mark: YAMLMark, _ reason: String, _ allowed: String)
        -> YAMLDocument.Parsed
    {
        problems.append(problem(mark, reason, allowed))
        return .init(root: nil, problems: problems)
    }

    private func problem(_ mark: YAMLMark, _ reason: String, _ allowed: String) -> FileProblem {
        FileProblem(mark: mark, reason: reason, allowed: allowed, page: "docs/scenario.md#yaml")
    }

    mutating func read(_ bytes: [UInt8]) -> YAMLDocument.Parsed {
        // libyaml keeps a pointer to the parser inside the parser, so it must not move.
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        defer { parser.deallocate() }
        guard yaml_parser_initialize(parser) == 1 else {
            return failed(
                YAMLMark(file: file, line: 1, column: 1), "no memory left to read the file",
                "more memory")
        }
        defer { yaml_parser_delete(parser) }
        return bytes.withUnsafeBufferPointer { buffer in
            yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
            yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
            do throws(Stop) {
                _ = try event(parser, bytes)
                let first = try event(parser, bytes)
                guard case .documentStart = first.event else {
                    throw stop(first.mark, "the file is empty", "a map of keys")
                }
                let next = try event(parser, bytes)
                let root = try node(next.event, next.mark, parser, bytes, depth: 0)
                _ = try event(parser, bytes)
                let last = try event(parser, bytes)
                guard case .streamEnd = last.event else {
                    throw stop(
                        last.mark, "a second document begins here", "one document in a file")
                }
                return .init(root: root, problems: problems)
            } catch {
                problems.append(error.problem)
                return .init(root: nil, problems: problems)
            }
        }
    }

    private func stop(_ mark: YAMLMark, _ reason: String, _ allowed: String) -> Stop {
        Stop(problem: problem(mark, reason, allowed))
    }

    private mutating func node(
        _ event: Event, _ mark: YAMLMark, _ parser: UnsafeMutablePointer<yaml_parser_t>,
        _ bytes: [UInt8],
        depth: Int
    ) throws(Stop) -> YAMLNode {
        guard depth < YAMLDocument.depthLimit else {
            throw stop(
                mark, "nested deeper than \(YAMLDocument.depthLimit)",
                "at most \(YAMLDocument.depthLimit) levels")
        }
        switch event {
        case .scalar(let text, let style): return YAMLNode(.scalar(text), mark: mark, style: style)
        case .alias:
            throw stop(
                mark, "aliases (*) are not read here", "write the value out where it is used")
        case .listStart:
            var items: [YAMLNode] = []
            while true {
                let next = try self.event(parser, bytes)
                if case .listEnd = next.event { break }
                items.append(try node(next.event, next.mark, parser, bytes, depth: depth + 1))
            }
            return YAMLNode(.list(items), mark: mark, style: .collection)
        case .mapStart: return try map(mark, parser, bytes, depth)
        default: throw stop(mark, "a value is due here", "a scalar, a list or a map")
        }
    }

    private mutating func map(
        _ mark: YAMLMark, _ parser: UnsafeMutablePointer<yaml_parser_t>, _ bytes: [UInt8],
        _ depth: Int
    ) throws(Stop) -> YAMLNode {
        var entries: [YAMLNode.Entry] = []
        var places: [String: YAMLMark] = [:]
        while true {
            let next = try event(parser, bytes)
            if case .mapEnd = next.event { break }
            guard case .scalar(let key, let style) = next.event else {
                throw stop(next.mark, "a list or a map cannot be a key", "keys are words")
            }
            if key == "<<", style == .plain {
                throw stop(
                    next.mark, "merge keys (<<) are not read here",
                    "write the keys out where they are used")
            }
            let following = try event(parser, bytes)
            let value = try node(following.event, following.mark, parser, bytes, depth: depth + 1)
            if let first = places[key] {
                problems.append(
                    problem(
                        next.mark, "the key \"\(key)\" stands twice in this map",
                        "once: it stands first on line \(first.line)"))
                continue
            }
            places[key] = next.mark
            entries.append(.init(key: key, mark: next.mark, value: value))
        }
        return YAMLNode(.map(entries), mark: mark, style: .collection)
    }

    private func event(_ parser: UnsafeMutablePointer<yaml_parser_t>, _ bytes: [UInt8]) throws(Stop)
        -> (
            event: Event, mark: YAMLMark
        )
    {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure(parser.pointee, bytes) }
        defer { yaml_event_delete(&event) }
        let mark = mark(event.start_mark)
        switch event.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, mark)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, mark)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, mark)
        case YAML_ALIAS_EVENT: return (.alias, mark)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try refuse(anchor: scalar.anchor != nil, tag: scalar.tag != nil, mark)
            let text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length),
                as: UTF8.self)
            let style: YAMLNode.Style =
                switch scalar.style {
                case YAML_SINGLE_QUOTED_SCALAR_STYLE, YAML_DOUBLE_QUOTED_SCALAR_STYLE: .quoted
                case YAML_LITERAL_SCALAR_STYLE, YAML_FOLDED_SCALAR_STYLE: .block
                default: .plain
                }
            // A block ends with a line end that no value is meant to have.
            let isBlock = style == .block && text.hasSuffix("\n")
            return (.scalar(isBlock ? String(text.dropLast()) : text, style), mark)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            try refuse(anchor: start.anchor != nil, tag: start.tag != nil, mark)
            return (.listStart, mark)
        case YAML_SEQUENCE_END_EVENT: return (.listEnd, mark)
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            try refuse(anchor: start.anchor != nil, tag: start.tag != nil, mark)
            return (.mapStart, mark)
        case YAML_MAPPING_END_EVENT: return (.mapEnd, mark)
        default: return (.streamEnd, mark)
        }
    }

    private func refuse(anchor: Bool, tag: Bool, _ mark: YAMLMark) throws(Stop) {
        if anchor {
            throw stop(
                mark, "anchors (&) are not read here", "write the value out where it is used")
        }
        if tag {
            throw stop(mark, "tags (!) are not read here", "plain values: a key knows its own type")
        }
    }

    private func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(file: file, line: mark.line + 1, column: mark.column + 1)
    }

    /// libyaml's words for what stopped it, with the best place it knows.
    private func failure(_ parser: yaml_parser_t, _ bytes: [UInt8]) -> Stop {
        let what = parser.problem.map { String(cString: $0) } ?? "no YAML"
        if parser.error == YAML_READER_ERROR {
            return stop(
                YAMLDocument.mark(of: parser.problem_offset, in: bytes, file: file),
                "\(what) (a character that YAML does not allow)", "printable text")
        }
        let context = parser.context.map { " \(String(cString: $0))" } ?? ""
        let place = parser.problem_mark
        let offset = place.index
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "\t") {
            return stop(mark(place), "a tab stands here", "spaces: YAML indents with spaces only")
        }
        return stop(
            mark(place), "this is no YAML: \(what)\(context)",
            "\"key: value\" lines, indented with spaces; text with : # [ ] { } in quotes")
    }
}
