import Tensors

extension ReferenceDevice {
  public func attentionTree(
    _ y: Tensor, qkv: Tensor, prefixKeys: Tensor?, prefixValues: Tensor?, spans: Tensor, slopes: Tensor?,
    _ spec: AttentionSpec
  ) {
    launched()
    let cap = Softcap(spec.softcap)
    let keys = spec.keys(of: qkv)
    let values = spec.values(of: qkv)
    for i in 0..<qkv.rows {
      func span(_ column: Int, atMost most: Int) -> Int { min(max(spans.integer(i, column), 0), most) }
      let own = span(3, atMost: i)
      let end = span(2, atMost: own)
      let begin = span(1, atMost: end)
      var text: [SeenRow] = []
      if let prefixKeys, let prefixValues {
        text += (0..<span(0, atMost: prefixKeys.rows)).map { SeenRow(prefixKeys.row($0), prefixValues.row($0)) }
      }
      text += (begin..<end).map { SeenRow(keys.row($0), values.row($0)) }
      text += (own...i).map { SeenRow(keys.row($0), values.row($0)) }
      let seen = text.suffix(spec.window ?? text.count)
      for head in 0..<spec.heads {
        let column = head * spec.headDimension
        _ = attend(y.row(i) + column, qkv.row(i) + column, seen, head, slopes, cap, spec)
      }
    }
  }
}
