/// Sends short text messages to phones.
package protocol TextMessenger: AnyObject {
    /// - number: in E.164 form, `+15550001111`.
    /// - then: called once, never before this returns.
    func send(
        _ text: String, to number: String, then: @escaping (Result<Void, ProviderFailure>) -> Void)
}
