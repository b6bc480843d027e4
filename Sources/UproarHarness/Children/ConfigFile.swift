import UproarCore

/// A child's configuration file: JSON, which is YAML too.
enum ConfigFile {
    static func read(_ path: String) throws -> JSONValue {
        do {
            return try JSONParser.parse(try TextFile.read(path))
        } catch let error as JSONError {
            throw ScenarioLoading.Problem("\(path): \(error)")
        } catch { throw ScenarioLoading.Problem("\(error)") }
    }
}
