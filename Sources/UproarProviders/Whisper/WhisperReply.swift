import UproarCore
import UproarRuntime
import UproarWire

/// What was heard in a file, in the vendor's words: whole, or as events.
enum WhisperReply {
    static func say(
        _ heard: FileHearing, _ request: TranscriptionRequest, headers: HTTPHeaders,
        on connection: EmulatorConnection
    ) {
        let writer = TranscriptionWriter(request, heard: heard)
        var headers = headers
        guard request.isStreaming else {
            headers["Content-Type"] = writer.contentType
            return connection.respond(status: 200, headers: headers, body: writer.body)
        }
        headers["Content-Type"] = "text/event-stream; charset=utf-8"
        connection.startBody(status: 200, headers: headers)
        for event in writer.events {
            let bytes = Array("data: \(event.text(pretty: false))\n\n".utf8)
            connection.sendBody(bytes.span.bytes)
        }
        let done = Array("data: [DONE]\n\n".utf8)
        connection.sendBody(done.span.bytes)
        connection.endBody()
    }

    static let unreadable = OpenAIProblem.invalid(
        "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', 'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm']",
        parameter: "file", code: nil)
}
