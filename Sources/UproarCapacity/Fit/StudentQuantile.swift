import Glibc
import UproarCore

/// The quantile of Student's t distribution with `freedom` degrees of freedom.
///
/// Exact for one and two degrees; else G. W. Hill's expansion around the normal quantile (1970), whose error at three degrees
/// is below 0.5 %.
package func studentQuantile(_ p: Double, freedom: Int) -> Double {
    precondition(p > 0 && p < 1 && freedom > 0, "a quantile needs a share and some freedom")
    if freedom == 1 { return tan(Double.pi * (p - 0.5)) }
    if freedom == 2 {
        let a = 2 * p - 1
        return a * sqrt(2 / (1 - a * a))
    }
    let z = normalQuantile(p)
    let n = Double(freedom)
    let z2 = z * z
    let g1 = (z2 + 1) * z / 4
    let g2 = ((5 * z2 + 16) * z2 + 3) * z / 96
    let g3 = (((3 * z2 + 19) * z2 + 17) * z2 - 15) * z / 384
    let g4 = ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) * z / 92160
    return z + (g1 + (g2 + (g3 + g4 / n) / n) / n) / n
}
