import Testing
import UproarCore
import UproarProviders
import UproarRuntime
import UproarWire

struct ChatCompletionReaderTests {
    let writer = ChatCompletionWriter(
        id: "chatcmpl-1", created: 1_760_000_000, model: "gpt-4.1", includesUsage: true)

    /// What a reader makes of a stream fed in pieces of `size` bytes.
    func read(_ stream: [UInt8], by size: Int) -> (
        [ChatCompletionReader.Event], ChatCompletionReader
    ) {
        var decoder = ServerSentEventDecoder()
        var reader = ChatCompletionReader()
        var events: [ChatCompletionReader.Event] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            let piece = Array(stream[start..<min(start + size, stream.count)])
            decoder.receive(piece.span.bytes)
            while let event = decoder.next() { events += reader.receive(event.data) }
        }
        return (events, reader)
    }

    @Test(
        "What the writer writes the reader reads, whole and byte by byte",
        arguments: [1, 7, 100_000])
    func text(size: Int) {
        var stream: [UInt8] = []
        writer.begin(into: &stream)
        for piece in ["Hello", ", \"you\"", " 😀."] { writer.content(piece, into: &stream) }
        writer.finish(.stop, into: &stream)
        writer.usage(prompt: 12, completion: 5, into: &stream)
        writer.done(into: &stream)
        let (events, reader) = read(stream, by: size)
        #expect(events == [.text("Hello"), .text(", \"you\""), .text(" 😀.")])
        #expect(reader.isDone)
        #expect(reader.finishReason == "stop")
        #expect(reader.usage == LanguageModelUsage(promptTokens: 12, completionTokens: 5))
    }

    @Test("Tool calls come whole, each once the next begins or the answer ends")
    func toolCalls() {
        var stream: [UInt8] = []
        writer.beginToolCall(index: 0, id: "call_a", name: "add_task", into: &stream)
        writer.toolArguments(index: 0, "{\"title\":", into: &stream)
        writer.toolArguments(index: 0, "\"milk\"}", into: &stream)
        writer.beginToolCall(index: 1, id: "call_b", name: "list_tasks", into: &stream)
        writer.toolArguments(index: 1, "{}", into: &stream)
        writer.finish(.toolCalls, into: &stream)
        let (events, reader) = read(stream, by: 3)
        #expect(
            events == [
                .toolCall(
                    ToolCall(id: "call_a", name: "add_task", arguments: "{\"title\":\"milk\"}")),
                .toolCall(ToolCall(id: "call_b", name: "list_tasks", arguments: "{}")),
            ])
        #expect(reader.hasContent)
        #expect(!reader.isDone)
    }

    @Test("Errors inside the stream and text that is no JSON are told")
    func errors() {
        var reader = ChatCompletionReader()
        #expect(
            reader.receive(
                "{\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}")
                == [.failed(.reported("The server had an error"))])
        guard case .failed(.malformed) = reader.receive("{\"choices\":[").first else {
            Issue.record("malformed JSON passed")
            return
        }
        #expect(reader.receive("{\"choices\":[],\"new\":{}}").isEmpty)
        #expect(!reader.hasContent)
    }

    @Test(
        "Retry-after in milliseconds counts before seconds; dates and nonsense are not read",
        arguments: [
            ([("retry-after", "2")], Duration.seconds(2)),
            ([("Retry-After", "0.5")], .milliseconds(500)),
            ([("retry-after", "9"), ("retry-after-ms", "1500")], .milliseconds(1500)),
            ([("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], nil),
            ([("retry-after", "-1")], nil), ([], nil),
        ])
    func retryAfter(headers: [(String, String)], expected: Duration?) {
        #expect(RetryAfter.read(headers.map { HTTPField($0.0, $0.1) }) == expected)
    }
}
