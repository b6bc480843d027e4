import UproarCore

/// An answer that is no success, in the vendor's shape: `{"error":{"message","type","param","code"}}`
/// (platform.openai.com/docs/guides/error-codes).
package struct OpenAIProblem: Error, Hashable, Sendable {
    package var status: Int
    package var message: String
    package var type: String
    package var parameter: String?
    package var code: String?
    package var retryAfter: Duration?

    package init(
        status: Int, message: String, type: String, parameter: String? = nil, code: String? = nil,
        retryAfter: Duration? = nil
    ) {
        self.status = status
        self.message = message
        self.type = type
        self.parameter = parameter
        self.code = code
        self.retryAfter = retryAfter
    }

    package var json: JSONValue {
        [
            "error": [
                "message": .string(message), "type": .string(type), "param": JSONValue(parameter),
                "code": JSONValue(code),
            ]
        ]
    }

    package static func invalid(_ message: String, parameter: String?, code: String?)
        -> OpenAIProblem
    {
        OpenAIProblem(
            status: 400, message: message, type: "invalid_request_error", parameter: parameter,
            code: code)
    }

    package static func missing(parameter: String) -> OpenAIProblem {
        invalid(
            "Missing required parameter: '\(parameter)'.", parameter: parameter,
            code: "missing_required_parameter")
    }

    package static let notJSON = invalid(
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload.)",
        parameter: nil, code: nil)
    package static let noModel = invalid(
        "you must provide a model parameter", parameter: nil, code: nil)

    package static let noKey = OpenAIProblem(
        status: 401,
        message:
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        type: "invalid_request_error")

    /// `key` is shown as the vendor shows it: the first and last characters only.
    package static func wrongKey(_ key: String) -> OpenAIProblem {
        let shown = key.count > 12 ? "\(key.prefix(8))********\(key.suffix(4))" : "********"
        return OpenAIProblem(
            status: 401, message: "Incorrect API key provided: \(shown).",
            type: "invalid_request_error", code: "invalid_api_key")
    }

    package static func unknownModel(_ model: String) -> OpenAIProblem {
        OpenAIProblem(
            status: 404,
            message: "The model `\(model)` does not exist or you do not have access to it.",
            type: "invalid_request_error", code: "model_not_found")
    }

    package static func unknownPath(_ method: String, _ path: String) -> OpenAIProblem {
        OpenAIProblem(
            status: 404, message: "Invalid URL (\(method) \(path))", type: "invalid_request_error")
    }

    package static func wrongMethod(_ method: String, _ path: String) -> OpenAIProblem {
        OpenAIProblem(
            status: 405, message: "Not allowed to \(method) on \(path).",
            type: "invalid_request_error")
    }

    package static func rateLimited(retryAfter: Duration?) -> OpenAIProblem {
        OpenAIProblem(
            status: 429, message: "Rate limit reached. Please try again later.", type: "requests",
            code: "rate_limit_exceeded", retryAfter: retryAfter)
    }

    package static let overloaded = OpenAIProblem(
        status: 503, message: "The engine is currently overloaded, please try again later.",
        type: "server_error")

    /// What the vendor would say with this status.
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> OpenAIProblem {
        switch status {
        case 401: return wrongKey("")
        case 429: return rateLimited(retryAfter: retryAfter)
        case 503:
            var problem = overloaded
            problem.retryAfter = retryAfter
            return problem
        case 500...:
            return OpenAIProblem(
                status: status,
                message:
                    "The server had an error while processing your request. Sorry about that!",
                type: "server_error", retryAfter: retryAfter)
        default:
            return OpenAIProblem(
                status: status, message: "The request was refused.",
                type: "invalid_request_error", retryAfter: retryAfter)
        }
    }
}
