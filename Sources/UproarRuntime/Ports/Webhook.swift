import UproarCore

/// Hands events to a system of somebody else's: workflows, the pager.
package protocol Webhook: AnyObject {
    /// Delivers one event; a status of 2xx is success.
    ///
    /// - then: called once, within the hook's own deadline, never before this returns.
    func deliver(
        _ event: JSONValue, then: @escaping (Result<Void, ProviderFailure>) -> Void)
}
