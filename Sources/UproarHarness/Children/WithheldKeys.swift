import Glibc
import UproarCore
import UproarPosix

/// Which variables of the person's own environment an agent under test does not get: keys that could reach a real vendor.
package enum WithheldKeys {
    private static let endings = [
        "_API_KEY", "_API_SECRET", "_API_TOKEN", "_AUTH_TOKEN", "_ACCESS_TOKEN", "_ACCESS_KEY",
        "_ACCESS_KEY_ID", "_SECRET_KEY", "_SECRET", "_SESSION_TOKEN", "_TOKEN", "_BASE_URL",
        "_CREDENTIALS",
    ]
    private static let names = ["AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]

    /// - passed: names that the scenario hands on all the same.
    package static func names(of environment: [String], passed: [String]) -> [String] {
        environment.filter { name in
            !passed.contains(name)
                && (names.contains(name) || endings.contains { name.hasSuffix($0) })
        }
    }

    /// The value in this process's environment.
    package static func ownValue(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// The names in this process's environment.
    package static func ownNames() -> [String] {
        var found: [String] = []
        var next = environ
        while let entry = next.pointee {
            found.append(String(String(cString: entry).prefix { $0 != "=" }))
            next += 1
        }
        return found
    }
}
