# ruff: noqa: ARG002 - the operators share one signature
"""Converts MediaPipe's face detector and face mesh from TFLite to ONNX.

    python docs/tflite_to_onnx.py mediapipe/modules src/avatarkit/providers/local/models

``src/avatarkit/providers/local/models/README.md`` says where the input comes from. Needs the
packages tflite, onnx and numpy; what comes out only needs onnxruntime.

TFLite keeps images as NHWC, ONNX as NCHW: tensors are converted once at the input and back at
the outputs, and what has been flattened by a reshape stays in TFLite's order.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

MODELS = {
    "face_landmark": "face_landmark/face_landmark.tflite",
    "face_detection_short_range": "face_detection/face_detection_short_range.tflite",
}
OPERATORS = {
    code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)
}
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
SAME = 0  # tflite.Padding
RELU = 1  # tflite.ActivationFunctionType


class Converter:
    """One model on its way."""

    def __init__(self, model: bytes) -> None:
        self.model = tflite.Model.GetRootAsModel(model, 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.dequantized: dict[int, np.ndarray] = {}
        self.flat: set[int] = set()  # tensors that are in NHWC order, flattened

    def convert(self, name: str) -> onnx.ModelProto:
        """Return the ONNX model."""
        image = self.graph.Inputs(0)
        self.node("Transpose", ["input"], tensor(image), perm=TO_NCHW)
        for index in range(self.graph.OperatorsLength()):
            self.operator(index)
        outputs = [self.output(int(i)) for i in self.graph.OutputsAsNumpy()]
        inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, self.shape(image))]
        graph = helper.make_graph(self.nodes, name, inputs, outputs, self.weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
            producer_name="avatarkit-tflite-to-onnx",
            doc_string="Converted from Google MediaPipe (Apache-2.0)",
        )
        onnx.checker.check_model(model)
        return model

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def shape(self, index: int) -> list[int]:
        return [int(size) for size in self.graph.Tensors(index).ShapeAsNumpy()]

    def value(self, index: int) -> np.ndarray:
        """Constant of a tensor."""
        if index in self.dequantized:
            return self.dequantized[index]
        described = self.graph.Tensors(index)
        content = self.model.Buffers(described.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(content, DTYPES[described.Type()]).reshape(self.shape(index))

    def weight(self, values: np.ndarray, name: str) -> str:
        """Add a weight as 16-bit floats; the cast is folded when the model is loaded."""
        half = np.ascontiguousarray(values.astype(np.float16))
        self.weights.append(numpy_helper.from_array(half, f"{name}_h"))
        self.node("Cast", [f"{name}_h"], name, to=TensorProto.FLOAT)
        return name

    def integers(self, values: Any, name: str) -> str:
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name

    def activation(self, kind: int, before: str, after: str) -> None:
        if kind == RELU:
            self.node("Relu", [before], after)
        elif kind:
            raise NotImplementedError(f"activation {kind}")

    def operator(self, index: int) -> None:
        operator = self.graph.Operators(index)
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        name = OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(i) for i in operator.InputsAsNumpy()]
        handler = getattr(self, name.lower(), None)
        if handler is None:
            raise NotImplementedError(f"operator {name}")
        handler(index, operator, inputs, int(operator.OutputsAsNumpy()[0]))

    # one method per operator: (index, operator, input tensors, output tensor)

    def dequantize(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        self.dequantized[output] = self.value(inputs[0]).astype(np.float32)

    def conv_2d(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        kernel = np.transpose(self.value(inputs[1]), (0, 3, 1, 2))
        self.convolution(
            index, options(operator, tflite.Conv2DOptions), inputs, output, kernel=kernel, groups=1
        )

    def depthwise_conv_2d(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        kernel = np.transpose(self.value(inputs[1]), (3, 0, 1, 2))
        channels = self.shape(inputs[0])[3]
        chosen = options(operator, tflite.DepthwiseConv2DOptions)
        self.convolution(index, chosen, inputs, output, kernel=kernel, groups=channels)

    def convolution(
        self,
        index: int,
        chosen: Any,
        inputs: list[int],
        output: int,
        *,
        kernel: np.ndarray,
        groups: int,
    ) -> None:
        fused = chosen.FusedActivationFunction()
        before = f"{tensor(output)}_lin" if fused else tensor(output)
        names = [
            tensor(inputs[0]),
            self.weight(kernel, f"w{index}"),
            self.weight(self.value(inputs[2]), f"b{index}"),
        ]
        self.node(
            "Conv",
            names,
            before,
            group=groups,
            kernel_shape=[int(size) for size in kernel.shape[2:]],
            strides=[chosen.StrideH(), chosen.StrideW()],
            dilations=[chosen.DilationHFactor(), chosen.DilationWFactor()],
            auto_pad=padding(chosen),
        )
        self.activation(fused, before, tensor(output))

    def prelu(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        slopes = self.weight(self.value(inputs[1]).reshape(-1, 1, 1), f"a{index}")
        self.node("PRelu", [tensor(inputs[0]), slopes], tensor(output))

    def relu(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        self.node("Relu", [tensor(inputs[0])], tensor(output))

    def add(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        fused = options(operator, tflite.AddOptions).FusedActivationFunction()
        before = f"{tensor(output)}_lin" if fused else tensor(output)
        self.node("Add", [tensor(i) for i in inputs], before)
        self.activation(fused, before, tensor(output))

    def max_pool_2d(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        chosen = options(operator, tflite.Pool2DOptions)
        self.node(
            "MaxPool",
            [tensor(inputs[0])],
            tensor(output),
            kernel_shape=[chosen.FilterHeight(), chosen.FilterWidth()],
            strides=[chosen.StrideH(), chosen.StrideW()],
            auto_pad=padding(chosen),
        )

    def pad(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        sides = self.value(inputs[1])[TO_NCHW]
        pads = self.integers(np.concatenate([sides[:, 0], sides[:, 1]]), f"p{index}")
        self.node("Pad", [tensor(inputs[0]), pads], tensor(output))

    def reshape(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        ordered = f"{tensor(output)}_nhwc"
        self.node("Transpose", [tensor(inputs[0])], ordered, perm=TO_NHWC)
        size = self.integers(self.shape(output), f"s{index}")
        self.node("Reshape", [ordered, size], tensor(output))
        self.flat.add(output)

    def concatenation(self, index: int, operator: Any, inputs: list[int], output: int) -> None:
        axis = options(operator, tflite.ConcatenationOptions).Axis()
        if inputs[0] in self.flat:
            self.flat.add(output)
        else:
            axis = [0, 2, 3, 1][axis]
        self.node("Concat", [tensor(i) for i in inputs], tensor(output), axis=axis)

    def output(self, index: int) -> onnx.ValueInfoProto:
        name = self.graph.Tensors(index).Name().decode()
        if index in self.flat:
            self.node("Identity", [tensor(index)], name)
        else:
            self.node("Transpose", [tensor(index)], name, perm=TO_NHWC)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, self.shape(index))


def tensor(index: int) -> str:
    return f"t{index}"


def options(operator: Any, kind: type) -> Any:
    chosen = kind()
    table = operator.BuiltinOptions()
    chosen.Init(table.Bytes, table.Pos)
    return chosen


def padding(chosen: Any) -> str:
    return "SAME_UPPER" if chosen.Padding() == SAME else "VALID"


if __name__ == "__main__":
    modules, target = map(Path, sys.argv[1:3])
    for name, source in MODELS.items():
        converted = Converter((modules / source).read_bytes()).convert(name)
        onnx.save(converted, target / f"{name}.onnx")
