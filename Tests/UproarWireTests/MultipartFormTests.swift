import Testing

@testable import UproarWire

@Suite struct MultipartFormTests {
    func parse(_ text: String, type: String = "multipart/form-data; boundary=B") -> [String] {
        do {
            return try MultipartForm(parsing: Array(text.utf8), contentType: type).parts.map {
                "\($0.name)|\($0.filename ?? "-")|\($0.contentType ?? "-")|\($0.text)"
            }
        } catch {
            return ["\(error)"]
        }
    }

    @Test func readsAnUpload() {
        #expect(
            parse(
                "--B\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--B\r\ncontent-type: audio/wav\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a;\\\"b.wav\"\r\n\r\nRIFF\r\n--Bx\r\n--B--\r\n"
            ) == ["model|-|-|whisper-1", "file|a;\"b.wav|audio/wav|RIFF\r\n--Bx"])
    }

    @Test func toleratesWhatTheRFCAllows() {
        #expect(
            parse(
                "preamble --B\r\n--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--epilogue",
                type: "Multipart/Form-Data; charset=x; boundary=\"B\"") == [
                    "the last boundary is missing"
                ])
        #expect(
            parse(
                "pre\r\n--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--B--\r\nepilogue"
            )
                == ["a|-|-|"])
        #expect(parse("--B--") == [])
        #expect(
            parse("--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--B--") == ["a|-|-|x"])
    }

    @Test func refuses() {
        #expect(parse("--B--", type: "text/plain") == ["\(MultipartError.notMultipart)"])
        #expect(
            parse("--B--", type: "multipart/form-data") == ["\(MultipartError.boundaryMissing)"])
        let truncated = ["\(MultipartError.truncated)"]
        #expect(parse("") == truncated)
        #expect(parse("--B\r\n") == truncated)
        #expect(parse("--B\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--B") == truncated)
        let malformed = ["\(MultipartError.partMalformed)"]
        #expect(parse("--B\r\n\r\nx\r\n--B--") == malformed)
        #expect(parse("--B\r\n--B--") == malformed)
        #expect(parse("--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--") == malformed)
        #expect(parse("--B\r\nContent-Disposition: form-data; name=a\r\n--B--") == malformed)
        let many = String(
            repeating: "--B\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", count: 1001)
        #expect(parse(many + "--B--") == ["\(MultipartError.tooManyParts(limit: 1000))"])
    }

    @Test func readsWhatItWrites() throws {
        let form = MultipartForm(parts: [
            .init(name: "model", text: "whisper-1"), .init(name: "empty", text: ""),
            .init(
                name: "file", filename: "ü.wav", contentType: "audio/wav",
                body: (0..<2000).map { UInt8(truncatingIfNeeded: $0) } + [0x0d, 0x0a]),
        ])
        var output: [UInt8] = []
        form.write(boundary: "XyZ", into: &output)
        let type = MultipartForm.contentType(boundary: "XyZ")
        let read = try MultipartForm(parsing: output, contentType: type)
        #expect(read == form)
        #expect(read["model"]?.text == "whisper-1")
        // Nothing that lies before the end is taken for the whole.
        for count in 0..<output.count - 2 {
            #expect(throws: MultipartError.self) {
                try MultipartForm(parsing: Array(output[..<count]), contentType: type)
            }
        }
    }

    @Test func readsFieldValues() {
        let value = HTTPFieldValue(
            parsing: "Text/Html ; Charset = utf-8;flag; q=\"a\\\"b\"x; r=\"open")
        #expect(value.value == "text/html")
        #expect(value.parameters == ["charset": "utf-8", "q": "a\"b", "r": "open"])
        #expect(HTTPFieldValue(parsing: "").value == "")
        #expect(HTTPFieldValue(parsing: ";;=").parameters == ["": ""])
    }
}
