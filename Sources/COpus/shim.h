#include <opus/opus.h>

// opus_encoder_ctl takes variable arguments, which Swift cannot call.
static inline int uproar_opus_set_bitrate(OpusEncoder *encoder, opus_int32 bits_per_second) {
    return opus_encoder_ctl(encoder, OPUS_SET_BITRATE(bits_per_second));
}
static inline int uproar_opus_set_expected_loss(OpusEncoder *encoder, opus_int32 percent) {
    int result = opus_encoder_ctl(encoder, OPUS_SET_PACKET_LOSS_PERC(percent));
    return result != OPUS_OK ? result : opus_encoder_ctl(encoder, OPUS_SET_INBAND_FEC(percent > 0));
}
