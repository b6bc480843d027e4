import UproarCore

/// Every fault that the providers' emulators carry out: a literal list.
package enum ProviderFaultCatalog {
    package static let all: [any ProviderFault.Type] = [
        HTTPErrorFault.self, RateLimitFault.self, AuthFailFault.self, ConnectRefuseFault.self,
        ConnectHangFault.self, HeadersThenHangFault.self, FirstByteDelayFault.self,
        PaceFault.self, StallFault.self, CutFault.self, HalfOpenFault.self,
        KeepAliveOnlyFault.self, InbandErrorFault.self, EmptySuccessFault.self,
        TruncatedSuccessFault.self, MalformedFault.self, DuplicateFault.self,
        AudioWrongFault.self, CloseCodeFault.self, CompleteFailsFault.self,
        ChecksumMismatchFault.self, LateVisibilityFault.self,
    ]

    package static func named(_ name: String) -> (any ProviderFault.Type)? {
        all.first { $0.descriptor.name == name }
    }
}
