import UproarCore
import UproarWire

/// An answer that is no success, in S3's XML (AWS, "Error responses").
package struct ObjectStoreProblem: Error, Hashable, Sendable {
    package var status: Int
    package var code: String
    package var message: String
    package var retryAfter: Duration?

    package init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    package func xml(resource: String, requestID: String) -> [UInt8] {
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>\(code)</Code>"
        text += "<Message>\(XMLElement.escaped(message))</Message>"
        text += "<Resource>\(XMLElement.escaped(resource))</Resource>"
        text += "<RequestId>\(requestID)</RequestId><HostId>uproar</HostId></Error>"
        return Array(text.utf8)
    }

    package static let accessDenied = ObjectStoreProblem(403, "AccessDenied", "Access Denied")
    package static let wrongSignature = ObjectStoreProblem(
        403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    )
    package static let skewed = ObjectStoreProblem(
        403, "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.")
    package static let malformed = ObjectStoreProblem(
        400, "AuthorizationHeaderMalformed", "The authorization header is malformed.")
    package static let wrongHash = ObjectStoreProblem(
        400, "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.")
    package static let badDigest = ObjectStoreProblem(
        400, "BadDigest", "The checksum you specified did not match what we received.")
    package static let incomplete = ObjectStoreProblem(
        400, "IncompleteBody", "The request body terminated unexpectedly.")
    package static let noBucket = ObjectStoreProblem(
        404, "NoSuchBucket", "The specified bucket does not exist")
    package static let noKey = ObjectStoreProblem(
        404, "NoSuchKey", "The specified key does not exist.")
    package static let noUpload = ObjectStoreProblem(
        404, "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."
    )
    package static let invalidPart = ObjectStoreProblem(
        400, "InvalidPart",
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    )
    package static let badXML = ObjectStoreProblem(
        400, "MalformedXML", "The XML you provided was not well-formed.")
    package static let badRange = ObjectStoreProblem(
        416, "InvalidRange", "The requested range is not satisfiable")
    package static let notImplemented = ObjectStoreProblem(
        501, "NotImplemented",
        "A header or query you provided implies functionality that is not implemented")
    package static let wrongMethod = ObjectStoreProblem(
        405, "MethodNotAllowed", "The specified method is not allowed against this resource.")

    /// What the vendor would say with this status.
    package static func status(_ status: Int, retryAfter: Duration? = nil) -> ObjectStoreProblem {
        var problem =
            switch status {
            case 400:
                ObjectStoreProblem(
                    400, "RequestTimeout",
                    "Your socket connection to the server was not read from or written to within the timeout period."
                )
            case 401, 403: accessDenied
            case 404: noKey
            case 429, 503:
                ObjectStoreProblem(status, "SlowDown", "Please reduce your request rate.")
            default:
                ObjectStoreProblem(
                    status, "InternalError", "We encountered an internal error. Please try again.")
            }
        problem.retryAfter = retryAfter
        return problem
    }
}
