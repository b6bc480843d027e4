import Glibc

/// A body of `multipart/form-data` (RFC 7578): file uploads with fields beside them.
package struct MultipartForm: Hashable, Sendable {
    package struct Part: Hashable, Sendable {
        package var name: String
        /// Only files have one.
        package var filename: String?
        package var contentType: String?
        package var body: [UInt8]

        package init(
            name: String, filename: String? = nil, contentType: String? = nil, body: [UInt8]
        ) {
            self.name = name
            self.filename = filename
            self.contentType = contentType
            self.body = body
        }

        package init(name: String, text: String) { self.init(name: name, body: Array(text.utf8)) }

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package static let partLimit = 1000

    package var parts: [Part]

    package init(parts: [Part]) { self.parts = parts }

    /// The first part of this name.
    package subscript(_ name: String) -> Part? { parts.first { $0.name == name } }

    /// Appends the body. No part may contain `boundary`: take a random one (at most 70 letters and digits).
    package func write(boundary: String, into output: inout [UInt8]) {
        for part in parts {
            var headers = HTTPHeaders()
            var disposition = "form-data; name=\"\(Self.quoted(part.name))\""
            if let filename = part.filename {
                disposition += "; filename=\"\(Self.quoted(filename))\""
            }
            headers.add("Content-Disposition", disposition)
            if let type = part.contentType { headers.add("Content-Type", type) }
            output.append(contentsOf: "--\(boundary)\r\n".utf8)
            headers.write(into: &output)
            output.append(contentsOf: part.body)
            output.append(contentsOf: [0x0d, 0x0a])
        }
        output.append(contentsOf: "--\(boundary)--\r\n".utf8)
    }

    package static func contentType(boundary: String) -> String {
        "multipart/form-data; boundary=\(boundary)"
    }

    /// Quotes as browsers do (HTML §4.10.21.8): percents for what would end the string.
    private static func quoted(_ text: String) -> String {
        text.replacing("\"", with: "%22").replacing("\r", with: "%0D")
            .replacing("\n", with: "%0A")
    }

    /// Reads a body by the boundary that its request's Content-Type names.
    package init(parsing body: [UInt8], contentType: String) throws(MultipartError) {
        let type = HTTPFieldValue(parsing: contentType)
        guard type.value == "multipart/form-data" else { throw .notMultipart }
        guard let boundary = type.parameters["boundary"], !boundary.isEmpty,
            boundary.utf8.count <= 70
        else { throw .boundaryMissing }
        try self.init(parsing: body, boundary: Array("--\(boundary)".utf8))
    }

    /// `delimiter` is the boundary with its two dashes. What stands before the first one and after the last is skipped (RFC 2046 §5.1.1).
    private init(parsing body: [UInt8], boundary delimiter: [UInt8]) throws(MultipartError) {
        parts = []
        guard var place = Self.delimiter(delimiter, in: body, from: 0) else { throw .truncated }
        while !place.isLast {
            guard parts.count < Self.partLimit else { throw .tooManyParts(limit: Self.partLimit) }
            guard let next = Self.delimiter(delimiter, in: body, from: place.end) else {
                throw .truncated
            }
            guard place.end <= next.start else { throw .partMalformed }
            parts.append(try Self.part(body[place.end..<next.start]))
            place = next
        }
    }

    private struct Place {
        /// Where the part before ends: before the line end that belongs to the delimiter.
        var start: Int
        /// Where the next part begins.
        var end: Int
        var isLast: Bool
    }

    /// The next line that is a delimiter.
    private static func delimiter(_ text: [UInt8], in body: [UInt8], from start: Int) -> Place? {
        var start = start
        while let found = find(text, in: body, from: start) {
            start = found + text.count
            // At the start of a line: the body's own first, or behind a line end.
            let isLineStart =
                found == 0 || (found >= 2 && body[found - 2] == 0x0d && body[found - 1] == 0x0a)
            guard isLineStart else { continue }
            var end = start
            let isLast = body[end...].starts(with: [0x2d, 0x2d])
            if isLast { end += 2 }
            while end < body.count, body[end] == 0x20 || body[end] == 0x09 { end += 1 }
            let hasLineEnd = body[end...].starts(with: [0x0d, 0x0a])
            guard hasLineEnd || (isLast && end == body.count) else { continue }
            return Place(
                start: max(0, found - 2), end: hasLineEnd ? end + 2 : end, isLast: isLast)
        }
        return nil
    }

    /// The C functions are `memchr` and `memcmp`.
    private static func find(_ text: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        body.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            var start = start
            while start + text.count <= bytes.count,
                let found = memchr(base + start, Int32(text[0]), bytes.count - start)
            {
                start = UnsafeRawPointer(found) - base
                guard start + text.count <= bytes.count else { return nil }
                if memcmp(found, text, text.count) == 0 { return start }
                start += 1
            }
            return nil
        }
    }

    private static func part(_ bytes: ArraySlice<UInt8>) throws(MultipartError) -> Part {
        var buffer = InputBuffer()
        let limits = HTTPLimits(headBytes: 16 << 10, fields: 32)
        var reader = HTTPHeadReader(limits: limits)
        // A part's fields are cut from its body like a message's; only they are copied for that.
        let start = Array(bytes.prefix(limits.headBytes + 4))
        buffer.append(start.span.bytes)
        let headers: HTTPHeaders
        do {
            guard let lines = try reader.next(from: &buffer, skipsEmptyLines: false) else {
                throw MultipartError.partMalformed
            }
            headers = try reader.fields(lines)
        } catch {
            throw .partMalformed
        }
        let disposition = HTTPFieldValue(parsing: headers["Content-Disposition"] ?? "")
        guard disposition.value == "form-data", let name = disposition.parameters["name"] else {
            throw .partMalformed
        }
        return Part(
            name: name, filename: disposition.parameters["filename"],
            contentType: headers["Content-Type"], body: Array(bytes.dropFirst(buffer.start)))
    }
}

/// Why a body is no multipart form.
package enum MultipartError: Error, Hashable, Sendable, CustomStringConvertible {
    case notMultipart
    case boundaryMissing
    case truncated
    case partMalformed
    case tooManyParts(limit: Int)

    package var description: String {
        switch self {
        case .notMultipart: "the content type is not multipart/form-data"
        case .boundaryMissing: "the content type names no boundary"
        case .truncated: "the last boundary is missing"
        case .partMalformed: "a part has no valid Content-Disposition"
        case .tooManyParts(let limit): "the form has more than \(limit) parts"
        }
    }
}
