import UproarCore
import UproarRuntime
import UproarWire

/// The agent's tools for other programs: the Model Context Protocol over HTTP, JSON-RPC 2.0 in the bodies of `POST /mcp`
/// (modelcontextprotocol.io, "Streamable HTTP"; every answer is one JSON object).
///
/// | method | answer |
/// |---|---|
/// | `initialize` | version, capabilities, name |
/// | `tools/list` | the tools with their schemas |
/// | `tools/call` | the tool's result as text; `isError` when it has none |
/// | `ping` | an empty result |
/// | a notification | 202, no body |
///
/// Who may ask says `API_KEY`: where it is set, a request without it is answered 401. Whose tasks they are says the header `X-User-Id`, else the argument `user_id`.
struct ToolServer {
    static let name = "task-manager"
    static let protocolVersion = "2025-06-18"

    private enum Problem: Int {
        case parse = -32700
        case request = -32600
        case method = -32601
        case parameters = -32602
    }

    let tasks: any TaskStore
    /// False: there are none.
    let offersTools: Bool
    let metrics: AgentMetrics
    let loop: EventLoop
    /// Milliseconds of the Unix epoch.
    let now: () -> Int64

    /// Whether a request shows the key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`; nil: anybody may ask.
    static func admits(_ head: HTTPRequestHead, key: String?) -> Bool {
        guard let key else { return true }
        let shown =
            head.headers["X-API-Key"]
            ?? head.headers["Authorization"].map {
                $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : $0
            }
        guard let shown, shown.utf8.count == key.utf8.count else { return false }
        // All of it is compared, so that the time tells nothing of where it differs.
        return zip(shown.utf8, key.utf8).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private var declarations: [ToolDeclaration] { offersTools ? TaskTools.declarations : [] }

    /// - then: status and body; called once, at once or later.
    func answer(
        _ body: [UInt8], person: String?, then: @escaping (_ status: Int, _ body: [UInt8]) -> Void
    ) {
        guard let message = try? JSONParser.parse(body) else {
            return then(400, Self.failure(.null, .parse, "the body is not JSON"))
        }
        guard message["jsonrpc"]?.text == "2.0", let method = message["method"]?.text else {
            return then(400, Self.failure(.null, .request, "this is no JSON-RPC 2.0 request"))
        }
        guard let id = message["id"], !id.isNull else { return then(202, []) }
        switch method {
        case "initialize":
            then(
                200,
                Self.success(
                    id,
                    [
                        "protocolVersion": .string(Self.protocolVersion),
                        "capabilities": ["tools": ["listChanged": false]],
                        "serverInfo": ["name": .string(Self.name), "version": "1"],
                    ]))
        case "ping": then(200, Self.success(id, [:]))
        case "tools/list":
            then(
                200,
                Self.success(
                    id,
                    [
                        "tools": .array(
                            declarations.map {
                                [
                                    "name": .string($0.name),
                                    "description": .string($0.summary),
                                    "inputSchema": $0.parameters,
                                ]
                            })
                    ]))
        case "tools/call": call(message["params"], id: id, person: person, then: then)
        default:
            then(200, Self.failure(id, .method, "there is no method \"\(method)\""))
        }
    }

    private func call(
        _ parameters: JSONValue?, id: JSONValue, person: String?,
        then: @escaping (Int, [UInt8]) -> Void
    ) {
        guard let name = parameters?["name"]?.text,
            declarations.contains(where: { $0.name == name })
        else { return then(200, Self.failure(id, .parameters, "there is no such tool")) }
        let arguments = parameters?["arguments"] ?? [:]
        guard let owner = person ?? arguments["user_id"]?.text, !owner.isEmpty else {
            return then(
                200,
                Self.failure(
                    id, .parameters, "whose tasks? say so by X-User-Id or the argument user_id"))
        }
        let began = loop.now
        let call = ToolCall(
            // Clients count their requests from the start in each session: alone, that would make two tasks one.
            id: "mcp-\(now())-" + id.text(pretty: false), name: name,
            arguments: arguments.text(pretty: false))
        TaskTools(store: tasks, owner: owner).run(call, now: now()) { [metrics, loop] result in
            let failed = (try? JSONParser.parse(result))?["error"] != nil
            metrics.toolCalled(
                server: Self.name, name, failed ? "error" : "success",
                after: loop.now - began)
            then(
                200,
                Self.success(
                    id,
                    [
                        "content": [["type": "text", "text": .string(result)]],
                        "isError": .bool(failed),
                    ]))
        }
    }

    private static func success(_ id: JSONValue, _ result: JSONValue) -> [UInt8] {
        JSONValue.object([
            .init("jsonrpc", "2.0"), .init("id", id), .init("result", result),
        ]).encoded()
    }

    private static func failure(_ id: JSONValue, _ problem: Problem, _ words: String) -> [UInt8] {
        JSONValue.object([
            .init("jsonrpc", "2.0"), .init("id", id),
            .init(
                "error", ["code": JSONValue(problem.rawValue), "message": .string(words)]),
        ]).encoded()
    }
}
